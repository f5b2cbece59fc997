/** The route of files that go with events: what an event's `snapshot` or blurred `clip` names by hash; a part of it where a player asks for one. */
import { z } from 'zod';
import { inCentre, recorded } from './recorded.ts';
import { query, route, seesEdge, unknownId } from './route.ts';
import { PICTURE_EXAMPLE, SNAPSHOT_EXAMPLE } from '../../api/pictures.ts';
import '../../log/at-rest/faults.ts';

export const EVIDENCE_ROUTE = route({
  method: 'GET',
  path: '/api/v1/evidence/:sha256',
  needs: 'read_evidence',
  summary: {
    zh: '事件画面（image/*）或短视频（video/mp4），文件',
    en: 'a picture (image/*) or a clip (video/mp4) that goes with an event, as a file',
  },
  query: query({}),
  params: z.strictObject({
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({
        en: '`sha256` of a snapshot or blurred clip of an event or warning',
        zh: '事件或风险提示中 snapshot 或 blurred clip 的 sha256',
        examples: [SNAPSHOT_EXAMPLE.sha256],
      }),
  }),
  answer: { mediaType: 'image/*' },
  example: PICTURE_EXAMPLE.jpegBase64,
  faults: ['CV_API_UNKNOWN_ID', 'CV_AT_REST_KEY', 'CV_AT_REST_DAMAGED'],
  headers: {
    'Accept-Ranges': { en: 'bytes: with a Range of one part, 206 and that part', zh: 'bytes：请求头 Range 指定一段时，返回 206 及该段' },
  },
  async handle(call) {
    const { sources, params, request, reply } = call;
    const found = sources.evidence(params.sha256);
    // It may be on its way: the event comes first.
    if (!found || !seesEdge(call, found.edge)) throw unknownId({ en: 'picture', zh: '画面' }, params.sha256, '/api/v1/events');
    const centres = sources.centresOfEdge(found.edge);
    const act = { kind: 'evidence_read', what: params.sha256, ...inCentre(centres.length === 1 ? centres[0] : undefined) } as const;
    const range = rangeOf(request.headers.range, found.bytes);
    const content = await recorded(call, { ...act, details: { mime: found.mime, edge: found.edge } }, async () => {
      const read = await (range ? found.read(range.from, range.to + 1) : found.read());
      if (!read) throw unknownId({ en: 'picture', zh: '画面' }, params.sha256, '/api/v1/events');
      return read;
    });
    reply.type(found.mime).header('accept-ranges', 'bytes');
    if (range) reply.code(206).header('content-range', `bytes ${range.from}-${range.to}/${found.bytes}`);
    return Buffer.from(content);
  },
});

/** The one part that is asked for; null: all of it, also where the question is none or there is no such part. */
function rangeOf(header: string | undefined, bytes: number): { from: number; to: number } | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') return null;
  const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes - 1 : Math.min(bytes - 1, Number(last));
  return from <= to && from < bytes ? { from, to } : null;
}
