/** matrix-bot-sdk against a running Milena, in rooms of versions 11 and 12. Started by run.ts. */
import {
  AutojoinRoomsMixin,
  LogLevel,
  LogService,
  MatrixAuth,
  type MatrixClient,
  MemoryStorageProvider,
  MatrixClient as SdkClient,
} from 'matrix-bot-sdk';
import { baseUrl, equal, restartServer, stem, step, trial, until } from './trial.ts';

LogService.setLevel(LogLevel.ERROR);
LogService.muteModule('MatrixHttpClient');
LogService.muteModule('MatrixClientLite');

interface Message {
  readonly room: string;
  readonly sender: string;
  readonly body: string;
  readonly event_id: string;
}

interface Party {
  readonly client: MatrixClient;
  readonly id: string;
  readonly heard: Message[];
}

async function party(name: string): Promise<Party> {
  const registered = await new MatrixAuth(baseUrl).passwordRegister(
    `${name}-${stem}`,
    'a password for the trial',
  );
  const client = new SdkClient(baseUrl, registered.accessToken, new MemoryStorageProvider());
  const heard: Message[] = [];
  client.on('room.message', (room: string, event) => {
    heard.push({ room, sender: event.sender, body: event.content?.body, event_id: event.event_id });
  });
  return { client, id: await client.getUserId(), heard };
}

async function inRoom(version: string, person: Party, bot: Party): Promise<string> {
  const room = await step(
    `in version ${version}, a person makes a room, and the bot joins by its invitation`,
    async () => {
      const made = await person.client.createRoom({
        room_version: version,
        preset: 'private_chat',
        name: `Version ${version}`,
        invite: [bot.id],
      });
      let joined: readonly string[] = [];
      const look = setInterval(() => {
        void person.client.getJoinedRoomMembers(made).then((members) => {
          joined = members;
        });
      }, 100);
      await until('the bot is in the room', () => joined.includes(bot.id)).finally(() => clearInterval(look));
      equal(
        (await person.client.getRoomStateEvent(made, 'm.room.create', '')).room_version,
        version,
        'the version',
      );
      return made;
    },
  );
  await step(`in version ${version}, the bot answers a message and reacts to it`, async () => {
    const asked = await person.client.sendText(room, 'ping');
    const heard = await until('the message', () => bot.heard.find(({ event_id }) => event_id === asked));
    await bot.client.replyText(room, await bot.client.getEvent(room, heard.event_id), 'pong');
    await bot.client.unstableApis.addReactionToEvent(room, asked, '👍');
    const reply = await until('the answer', () => person.heard.find(({ sender }) => sender === bot.id));
    equal(reply.body.includes('pong'), true, 'what it says');
  });
  await step(
    `in version ${version}, state, redaction and power levels are as they were asked for`,
    async () => {
      await person.client.sendStateEvent(room, 'm.room.topic', '', { topic: 'Trials' });
      const state = await bot.client.getRoomStateEvent(room, 'm.room.topic', '');
      equal(state.topic, 'Trials', 'the topic');
      const event = await bot.client.sendText(room, 'to be taken back');
      await bot.client.redactEvent(room, event, 'trial');
      const left = await person.client.getEvent(room, event);
      equal(left.content, {}, 'what a redaction leaves');
      equal(await bot.client.userHasPowerLevelFor(bot.id, room, 'm.room.name', true), false, 'before');
      await person.client.setUserPowerLevel(bot.id, room, 50);
      equal(await bot.client.userHasPowerLevelFor(bot.id, room, 'm.room.name', true), true, 'after');
    },
  );
  return room;
}

await trial(async () => {
  const [person, bot] = await step('registers two users', () => Promise.all([party('person'), party('bot')]));
  AutojoinRoomsMixin.setupOnClient(bot.client);
  await step('syncs', () => Promise.all([person.client.start(), bot.client.start()]));
  const rooms = [await inRoom('11', person, bot), await inRoom('12', person, bot)];
  await step('keeps a profile, account data and an alias', async () => {
    await bot.client.setDisplayName('A bot');
    equal((await person.client.getUserProfile(bot.id)).displayname, 'A bot', 'the name');
    await bot.client.setAccountData('org.example.trial', { seen: 1 });
    equal(await bot.client.getAccountData('org.example.trial'), { seen: 1 }, 'account data');
    const alias = `#bot-${stem}:${bot.id.split(':').slice(1).join(':')}`;
    await person.client.createRoomAlias(alias, rooms[0] ?? '');
    equal(await bot.client.resolveRoom(alias), rooms[0], 'the alias');
  });
  await step('goes on after a restart of the server', async () => {
    await restartServer();
    for (const room of rooms) {
      const sent = await person.client.sendText(room, 'after the restart');
      await until('the message', () => bot.heard.some(({ event_id }) => event_id === sent), 60_000);
    }
    const ids = bot.heard.map(({ event_id }) => event_id);
    equal(new Set(ids).size, ids.length, 'nothing twice');
  });
  person.client.stop();
  bot.client.stop();
});
