/** Routes of commands behind a token, against a source in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock, testWorld } from '../../core/testing/virtual-clock.ts';
import { Operators } from '../commands/operators.ts';
import type { CommandSource } from './sources.ts';
import { EXAMPLES } from './testing/examples.ts';
import { validatorOf, type Document } from './testing/document.ts';
import { openApi } from './testing/http.ts';
import { memoryGateway } from './testing/memory-sources.ts';

const TOKEN = 'a-token-of-sixteen';

test('answers and examples of every command route fit the document; without operators all are refused', async (t) => {
  const operators = new Operators([{ name: 'duty-1', token: TOKEN }], new VirtualClock());
  const commands: CommandSource = {
    identify: (header, address) => operators.identify(header, address),
    ask: (request, by) => Promise.resolve({ ...EXAMPLES.command, by, reason: request.reason }),
    get: () => EXAMPLES.command,
    list: () => [EXAMPLES.command],
  };
  const { ask } = await openApi(t, { ...memoryGateway().sources, commands }, testWorld());
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

test('sixty commands a minute an operator, thirty wrong tokens a minute an address; the next minute is a new one', async () => {
  const clock = new VirtualClock();
  const operators = new Operators([{ name: 'a', token: TOKEN }, { name: 'b', token: 'another-one-of-sixteen' }], clock);
  assert.deepEqual([operators.identify(`Bearer ${TOKEN}`, '1'), operators.identify('bearer another-one-of-sixteen', '1')], ['a', 'b']);
  for (let n = 0; n < 60; n += 1) operators.admit('a');
  assert.throws(() => operators.admit('a'), { name: 'CV_COMMAND_TOO_MANY' });
  operators.admit('b');
  for (const header of [undefined, '', 'Bearer', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`])
    assert.throws(() => operators.identify(header, '2'), { name: 'CV_API_UNAUTHORISED' });
  for (let n = 0; n < 24; n += 1) assert.throws(() => operators.identify('Bearer x', '2'), { name: 'CV_API_UNAUTHORISED' });
  assert.throws(() => operators.identify('Bearer x', '2'), { name: 'CV_COMMAND_TOO_MANY' });
  assert.equal(operators.identify(`Bearer ${TOKEN}`, '2'), 'a', 'guesses do not lock out the right token');
  assert.equal(operators.identify(`Bearer ${TOKEN}`, '1'), 'a');
  await clock.advanceMs(60_001);
  operators.admit('a');
  assert.throws(() => operators.identify('Bearer x', '2'), { name: 'CV_API_UNAUTHORISED' });
  assert.equal(operators.identify(`Bearer ${TOKEN}`, '2'), 'a');
});
