/**
 * A page in Chromium, of another origin than the server's, that signs up, makes a room, sends, and goes on after
 * a reload. Started by run.ts with the server's URL and the browser's path. Screenshots stay beside this file's copy.
 */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { chromium } from 'playwright-core';
import { baseUrl, equal, step, trial } from './trial.ts';

const HERE = import.meta.dirname;
const HTML = `<!doctype html><meta charset="utf-8"><title>Trial</title>
<p id="status">out</p><button id="up">Sign up</button>
<input id="text"><button id="send">Send</button><ul id="messages"></ul>
<script src="/page.js"></script>`;

await trial(async () => {
  const built = buildSync({
    entryPoints: [join(HERE, 'browser-page.ts')],
    bundle: true,
    format: 'iife',
    write: false,
    define: { global: 'globalThis' },
    logLevel: 'error',
  });
  const script = built.outputFiles[0]?.text ?? '';
  const pages = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : HTML);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => pages.once('listening', resolve));
  const address = pages.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const browser = await chromium.launch({
    executablePath: process.argv[3] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const page = await browser.newPage();
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.message));
  const shown = (): Promise<string[]> => page.locator('#messages li').allTextContents();
  try {
    await step('a page of another origin signs up', async () => {
      await page.goto(`http://localhost:${port}/?server=${encodeURIComponent(baseUrl)}`);
      await page.click('#up');
      await page.getByText('in as @browser-').waitFor();
    });
    await step('makes a room and sees what it sends', async () => {
      for (const text of ['one', 'two <b>', 'drei ✓']) {
        await page.fill('#text', text);
        await page.click('#send');
        await page.locator('#messages li', { hasText: text }).first().waitFor();
      }
      await page.screenshot({ path: join(HERE, 'sent.png') });
    });
    await step('goes on after a reload with the history there', async () => {
      await page.reload();
      await page.locator('#messages li', { hasText: 'drei ✓' }).first().waitFor();
      equal(await shown(), ['one', 'two <b>', 'drei ✓'], 'each once, in order');
      await page.fill('#text', 'four');
      await page.click('#send');
      await page.locator('#messages li', { hasText: 'four' }).first().waitFor();
      equal((await shown()).length, 4, 'messages');
      equal(failures, [], 'errors in the page');
      await page.screenshot({ path: join(HERE, 'after-reload.png') });
    });
  } finally {
    await browser.close();
    pages.close();
  }
});
