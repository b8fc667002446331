import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const infra = fileURLToPath(new URL('../../infra/', import.meta.url));
const operate = readFileSync(new URL('../../docs/operate.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'milena-infra-'));
after(() => rmSync(folder, { recursive: true }));

/** Options of a test that needs a program: its reason to be skipped where it is not there. */
function needs(...programs: string[]): { readonly skip: string | false } {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  return { skip: missing.length === 0 ? false : `${missing.join(' and ')} not installed here` };
}

function run(
  program: string,
  args: readonly string[],
): { readonly status: number | null; readonly output: string } {
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const { status, stdout, stderr } = spawnSync(program, [...args], { encoding: 'utf8', env });
  return { status, output: `${stdout}${stderr}` };
}

/** The example without the machine's own facts: certificates, privileged ports, the pid file. */
function nginxConfig(example: string): string {
  const key = join(folder, 'key.pem');
  const certificate = join(folder, 'certificate.pem');
  const subject = ['-subj', '/CN=chat.example.org', '-days', '1'];
  const made = run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    ...subject,
  ]);
  assert.equal(made.status, 0, made.output);
  const server = example
    .replace(/ssl_certificate .*;/, `ssl_certificate ${certificate};`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${key};`)
    .replaceAll('443', '44300');
  return `pid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${server}\n}\n`;
}

test('the nginx example has valid syntax, and a spoilt one has not', needs('nginx', 'openssl'), () => {
  const file = join(folder, 'nginx.conf');
  const example = readFileSync(join(infra, 'nginx.conf'), 'utf8');
  writeFileSync(file, nginxConfig(example));
  const checked = run('nginx', ['-t', '-c', file, '-p', folder]);
  assert.equal(checked.status, 0, checked.output);
  writeFileSync(file, nginxConfig(example.replace('proxy_pass', 'proxy_past')));
  assert.notEqual(run('nginx', ['-t', '-c', file, '-p', folder]).status, 0);
});

test('the Caddy example has valid syntax, and a spoilt one has not', needs('caddy'), () => {
  const example = readFileSync(join(infra, 'Caddyfile'), 'utf8');
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, example);
  const checked = run('caddy', ['validate', '--adapter', 'caddyfile', '--config', file]);
  assert.equal(checked.status, 0, checked.output);
  writeFileSync(file, example.replace('reverse_proxy', 'reverse_prox'));
  assert.notEqual(run('caddy', ['validate', '--adapter', 'caddyfile', '--config', file]).status, 0);
});

test('the systemd unit has no setting that systemd does not know', needs('systemd-analyze'), () => {
  const copy = join(folder, 'milena.service');
  cpSync(join(infra, 'milena.service'), copy);
  // The programs named in it are of the machine that it is for.
  const unit = readFileSync(copy, 'utf8').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true');
  writeFileSync(copy, unit);
  const checked = run('systemd-analyze', ['verify', '--man=no', copy]);
  if (/Failed to (connect|create|initialize)|Operation not permitted/.test(checked.output)) {
    assert.fail(`systemd-analyze cannot work here: ${checked.output}`);
  }
  const about = checked.output.split('\n').filter((line) => line.includes('milena.service'));
  assert.deepEqual(about, []);
  assert.equal(checked.status, 0, checked.output);
  mkdirSync(join(folder, 'spoilt'));
  const spoilt = join(folder, 'spoilt', 'milena.service');
  writeFileSync(spoilt, unit.replace('KillMode', 'KilMode'));
  assert.match(run('systemd-analyze', ['verify', '--man=no', spoilt]).output, /KilMode/);
});

test('docs/operate.md shows the examples as they are', () => {
  for (const name of ['nginx.conf', 'Caddyfile', 'milena.service']) {
    assert.ok(
      operate.includes(readFileSync(join(infra, name), 'utf8').trim()),
      `${name} differs from its copy`,
    );
  }
});
