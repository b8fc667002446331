import type { ReadStream } from 'node:tty';
import { CommandFailed } from './house.ts';

/** Where a password comes from: a terminal, or anything that can be read. */
export type PasswordSource = NodeJS.ReadableStream | ReadStream;

/**
 * Asks for a password: on a terminal twice and without echo, from a pipe the first line.
 * @throws CommandFailed when the two differ, or there is none.
 */
export async function askPassword(
  question: string,
  source: PasswordSource = process.stdin,
  screen: { write(text: string): unknown } = process.stderr,
): Promise<string> {
  const password = isTerminal(source) ? await askTwice(question, source, screen) : await firstLine(source);
  if (password === '') throw new CommandFailed('no password was given');
  return password;
}

async function askTwice(
  question: string,
  terminal: ReadStream,
  screen: { write(text: string): unknown },
): Promise<string> {
  const first = await readHidden(`${question}: `, terminal, screen);
  const second = await readHidden('Once more: ', terminal, screen);
  if (first !== second) throw new CommandFailed('the two passwords differ');
  return first;
}

function isTerminal(source: PasswordSource): source is ReadStream {
  return 'isTTY' in source && source.isTTY === true;
}

/** Reads a line with the terminal's echo off. */
function readHidden(
  question: string,
  terminal: ReadStream,
  screen: { write(text: string): unknown },
): Promise<string> {
  screen.write(question);
  terminal.setRawMode(true);
  return new Promise((resolve, reject) => {
    let line = '';
    const finish = (result: string | Error): void => {
      terminal.setRawMode(false);
      terminal.off('data', take);
      terminal.pause();
      screen.write('\n');
      if (typeof result === 'string') resolve(result);
      else reject(result);
    };
    const take = (chunk: Buffer): void => {
      const typed = edit(line, chunk.toString('utf8'));
      line = typed.line;
      if (typed.end === 'enter') finish(line);
      else if (typed.end === 'cancel') finish(new CommandFailed('cancelled'));
    };
    terminal.on('data', take);
    terminal.resume();
  });
}

/** What a line becomes by some keys. What is typed after the line's end is dropped. */
export function edit(
  before: string,
  typed: string,
): { readonly line: string; readonly end?: 'enter' | 'cancel' } {
  let line = before;
  for (const key of typed) {
    if (key === '\r' || key === '\n') return { line, end: 'enter' };
    if (key === '\u0003' || key === '\u0004') return { line, end: 'cancel' }; // Ctrl-C, Ctrl-D
    if (key === '\u007f' || key === '\b') line = [...line].slice(0, -1).join('');
    else if (key === '\u0015')
      line = ''; // Ctrl-U
    else if (key >= ' ') line += key;
  }
  return { line };
}

/** Further lines are left unread: `read` scripts that pipe more than the password are not in error. */
async function firstLine(source: PasswordSource): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    if (bytes.includes(0x0a)) break;
  }
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/);
  return line;
}
