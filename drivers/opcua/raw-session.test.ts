/** The session's own services as promises: an answer without an error is one, and nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishRequest, RepublishRequest, TransferSubscriptionsRequest } from 'node-opcua-client';
import { publish, republish, transferSubscriptions, type RawSession } from './raw-session.ts';

test('an answer is given on; an error is, with or without an answer; neither is an error too', async () => {
  const answer = { is: 'an answer' };
  const broken = new Error('broken');
  for (const call of [
    (session: RawSession) => publish(session, new PublishRequest()),
    (session: RawSession) => republish(session, new RepublishRequest()),
    (session: RawSession) => transferSubscriptions(session, new TransferSubscriptionsRequest()),
  ]) {
    const answered = (error: Error | null, response?: object) => {
      const service = (_: unknown, callback: (error: Error | null, response?: object) => void) => callback(error, response);
      return call({ publish: service, republish: service, transferSubscriptions: service } as unknown as RawSession);
    };
    assert.equal(await answered(null, answer), answer);
    await assert.rejects(answered(broken), broken);
    await assert.rejects(answered(broken, answer), broken);
    await assert.rejects(answered(null), /no answer/);
  }
});
