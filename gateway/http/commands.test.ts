/** Routes of commands behind a token, against a source in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, testWorld } from '../../core/testing/virtual-clock.ts';
import type { Dispatch } from '../commands/dispatch.ts';
import type { CommandRecord } from '../commands/ledger.ts';
import { commandSource } from '../commands/source.ts';
import { Access } from '../people/access.ts';
import type { CommandSource } from './sources.ts';
import { EXAMPLES } from './testing/examples.ts';
import { validatorOf, type Document } from './testing/document.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const TOKEN = 'a-token-of-sixteen';
const RECORD: CommandRecord = {
  command: { v: 1, id: 'k3Jd9sLq0aZx', kind: 'read', device: 'plc', by: 'a', reason: 'a look', issuedAt: 1, expiresAt: 2 },
  edge: 'pump-07',
  centre: '500112001',
  sentAt: null,
  answer: null,
  answeredAt: null,
  refusal: null,
};

test('answers and examples of every command route fit the document; without operators all are refused', async (t) => {
  const access = new Access({ gateway: 'town-01', isNeeded: false }, new VirtualClock());
  access.setTokens([], [{ name: 'duty-1', token: TOKEN }]);
  const commands: CommandSource = {
    ask: (request, by) => Promise.resolve({ ...EXAMPLES.command, by, reason: request.reason }),
    get: () => EXAMPLES.command,
    list: () => [EXAMPLES.command],
  };
  const { ask } = await openApi(t, { ...memoryGateway().sources, access, commands }, testWorld());
  const document = (await ask('/api/v1/openapi.json')).body as unknown as Document;
  const check = validatorOf(document);
  const authorized = { authorization: `Bearer ${TOKEN}` };
  const post = {
    method: 'POST',
    body: JSON.stringify(EXAMPLES.commandBody),
    headers: { 'content-type': 'application/json', ...authorized },
  };
  const given = await ask('/api/v1/commands', post);
  assert.deepEqual(
    [given.status, given.headers.get('location'), given.body.by],
    [202, `/api/v1/commands/${EXAMPLES.command.id}`, 'duty-1'],
  );
  const schemaOf = (path: string, method: string, status: string) =>
    document.paths[path]?.[method]?.responses[status]?.content['application/json']?.schema ?? {};
  check(schemaOf('/api/v1/commands', 'post', '202'), given.body);
  check(schemaOf('/api/v1/commands', 'get', '200'), (await ask('/api/v1/commands', { headers: authorized })).body);
  check(schemaOf('/api/v1/commands/{id}', 'get', '200'), (await ask('/api/v1/commands/k3Jd9sLq0aZx', { headers: authorized })).body);
  const body = (
    document.paths['/api/v1/commands']?.post as
      { requestBody?: { content: Record<string, { schema: object; example: unknown }> } } | undefined
  )?.requestBody?.content['application/json'];
  check(body?.schema ?? {}, body?.example);
  const nobody = await ask('/api/v1/commands');
  assert.deepEqual([nobody.status, nobody.headers.get('www-authenticate'), nobody.body.code], [401, 'Bearer', 'CV_API_UNAUTHORISED']);
  assert.equal((await ask('/api/v1/commands', { ...post, headers: { ...authorized, 'content-type': 'text/plain' } })).status, 400);
  assert.equal((await ask('/api/v1/commands', { ...post, body: '{"kind":' })).status, 400);
  assert.equal(
    (await ask('/api/v1/commands', { ...post, headers: { ...post.headers, origin: 'http://elsewhere.example' } })).body.code,
    'CV_API_ORIGIN',
  );
  const closed = await openApi(t, memoryGateway().sources, testWorld());
  assert.deepEqual(
    [(await closed.ask('/api/v1/commands', post)).status, (await closed.ask('/api/v1/commands')).body.code],
    [403, 'CV_COMMANDS_CLOSED'],
  );
});

test('sixty commands a minute an operator; the next minute is a new one', async () => {
  const clock = new VirtualClock();
  const commands = commandSource({ ask: () => Promise.resolve(RECORD), ledger: {} as Dispatch['ledger'] }, { clock });
  const body = { ...EXAMPLES.commandBody, expiresInMs: 1000 } as Parameters<typeof commands.ask>[0];
  for (let n = 0; n < 60; n += 1) await commands.ask(body, 'a');
  await assert.rejects(commands.ask(body, 'a'), { name: 'CV_COMMAND_TOO_MANY' });
  await commands.ask(body, 'b');
  await clock.advanceMs(60_001);
  await commands.ask(body, 'a');
});

test('thirty wrong tokens a minute an address, of any kind; the right one passes meanwhile', async () => {
  const clock = new VirtualClock();
  const access = new Access({ gateway: 'town-01', isNeeded: false }, clock);
  access.setTokens([], [{ name: 'a', token: TOKEN }, { name: 'b', token: 'another-one-of-sixteen' }]);
  const by = (authorization: string | undefined, address: string) =>
    access.admit({ needs: 'command' }, { headers: authorization === undefined ? {} : { authorization }, address }).principal.name;
  assert.deepEqual([by(`Bearer ${TOKEN}`, '1'), by('bearer another-one-of-sixteen', '1')], ['a', 'b']);
  for (const header of [undefined, '', 'Bearer', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`])
    assert.throws(() => by(header, '2'), { name: 'CV_API_UNAUTHORISED' });
  for (let n = 0; n < 28; n += 1) assert.throws(() => by('Bearer x', '2'), { name: 'CV_API_UNAUTHORISED' });
  assert.throws(() => by('Bearer x', '2'), { name: 'CV_COMMAND_TOO_MANY' });
  for (const address of ['1', '2']) assert.equal(by(`Bearer ${TOKEN}`, address), 'a', 'guesses do not lock out the right token');
  for (let at = 0; at < 30; at += 1)
    assert.throws(() => by('Bearer x', `2001:db8::${at.toString(16)}`), { name: 'CV_API_UNAUTHORISED' });
  assert.throws(() => by('Bearer x', '2001:db8::99'), { name: 'CV_COMMAND_TOO_MANY' }, 'a network of IPv6 is one guesser');
  await clock.advanceMs(60_001);
  assert.throws(() => by('Bearer x', '2'), { name: 'CV_API_UNAUTHORISED' });
});
