import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../support/milena-process.ts';
import { isAlive } from '../support/process-tree.ts';
import { type Server, startServer } from '../support/server.ts';
import { killOnce, type Round, summary, type Victim } from './kill-rounds.ts';
import { modelNames } from './read-models.ts';
import { Scene } from './scene.ts';

/** Crashes of each kind. */
const ROUNDS = Math.ceil(Number(process.env['FAULT_ROUNDS'] ?? 20) / 4);

describe('a crash of the embedded server in the middle of load (architecture, section 11)', () => {
  it('kill -9 of Node, and of Node with its Postgres at once: nothing acknowledged is lost or doubled', async (t) => {
    await using server = await startServer();
    using scene = await Scene.set(server, (args, input) => server.milena(args, 60_000, input));
    const victims = [nodeAlone(server), everything(server)];
    const done: Round[] = [];
    scene.start();
    for (let i = 0; i < ROUNDS * victims.length; i++) {
      const victim = victims[i % victims.length];
      if (victim !== undefined) done.push(await killOnce(scene, victim));
    }
    await scene.stop();
    await scene.check();
    for (const line of summary(done, scene).split('\n')) t.diagnostic(line);
    for (const model of await modelNames((args) => server.milena(args))) {
      const { code, stderr } = await server.milena(['rebuild', model], 300_000);
      if (code !== 0) scene.violations.add(`milena rebuild ${model}: exit ${code}: ${stderr.slice(-600)}`);
    }
    assert.equal(scene.violations.count, 0, `\n${scene.violations}`);
  });
});

function nodeAlone(server: Server): Victim {
  return {
    name: 'node',
    kill: () => server.kill(),
    launch: () => server.process.launch(),
    ready: () => server.process.ready(),
    output: (characters) => server.process.output(characters),
  };
}

/** As when the machine loses its power, but for what the kernel has not written yet. */
function everything(server: Server): Victim {
  return {
    ...nodeAlone(server),
    name: 'node and its Postgres',
    kill: async () => {
      const pids = server.pids();
      for (const pid of pids) signal(pid, 'SIGKILL');
      while (pids.some(isAlive)) await sleep(5);
      await server.process.gone(5000);
    },
  };
}
