/** The route of files that go with events: what an event's `snapshot` names by hash. */
import { z } from 'zod';
import { EXAMPLES } from './examples.ts';
import { query, route, unknownId } from './route.ts';

export const EVIDENCE_ROUTE = route({
  method: 'GET', path: '/api/v1/evidence/:sha256', summary: { zh: '事件画面（文件）', en: 'a picture that goes with an event, as a file' },
  query: query({}),
  params: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/).meta({ en: '`sha256` of a snapshot in the evidence of an event or warning', zh: '事件或风险提示的 evidence 中 snapshot 的 sha256', examples: [EXAMPLES.snapshot.sha256] }) }),
  answer: { mediaType: 'image/*' }, example: EXAMPLES.picture.jpegBase64, faults: ['CV_API_UNKNOWN_ID'],
  async handle({ sources, params, reply }) {
    const found = await sources.evidence(params.sha256);
    // It may be on its way: the event comes first.
    if (!found) throw unknownId({ en: 'picture', zh: '画面' }, params.sha256, '/api/v1/events');
    reply.type(found.mime);
    return Buffer.from(found.content);
  },
});
