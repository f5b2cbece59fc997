/** Watching a camera: a ticket by HTTP, and the socket that it opens. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { FaultError, FAULTS, faultOf } from '../../core/faults.ts';
import type { Viewing } from '../media/live-view/service.ts';
import { ApiFault, languageOf, problemOf } from './problem.ts';
import { idParam, query, requestOf, route, type Route } from './route.ts';
import { LIVE_TICKET_EXAMPLE, LiveTicketView } from '../../api/live-view.ts';
import type { ApiSources } from './sources.ts';
import { DEVICE_EXAMPLE } from '../../api/devices.ts';

export const LIVE_VIEW_ROUTE: Route = route({
  method: 'POST',
  path: '/api/v1/devices/:id/live-view',
  needs: 'watch_live',
  summary: {
    zh: '申请实时观看：以 WebSocket 打开返回的 path（一次有效），每条二进制消息为完整的 MPEG-TS 包（MPEG-1 视频，每秒 25 帧）；path 后加 &notes 时另有文本消息说明区域和检测结果（docs/live-view.zh-CN.md）；无法观看时请改用 picture',
    en: 'ask to watch a camera: open the `path` of the answer as a web socket, once; each binary message is whole packets of MPEG-TS (MPEG-1 video, 25 pictures a second); with `&notes` after the path text messages say where zones are and what is seen (docs/live-view.md); where it cannot be had look at its `picture`',
  },
  query: query({}),
  params: idParam('the camera', '摄像机', DEVICE_EXAMPLE.id),
  answer: LiveTicketView,
  example: LIVE_TICKET_EXAMPLE,
  faults: [
    'CV_API_ORIGIN',
    'CV_API_UNAUTHORISED',
    'CV_LIVE_CLOSED',
    'CV_LIVE_DEVICE',
    'CV_LIVE_ELSEWHERE',
    'CV_LIVE_VIEWERS',
    'CV_LIVE_FULL',
    'CV_LIVE_FAILED',
  ],
  async handle({ sources: { liveView, access, device }, params, request, principal, sees }) {
    if (!liveView) throw new FaultError('CV_LIVE_CLOSED');
    const centre = device(params.id)?.centre;
    if (centre !== undefined && !sees(centre)) throw new FaultError('CV_LIVE_DEVICE', { device: params.id });
    try {
      return await liveView.ask(params.id, {
        by: principal.name,
        address: request.ip,
        refusal: access.following(LIVE_VIEW_ROUTE, requestOf(request), centre),
      });
    } catch (error) {
      // What is wrong with a camera has no place in HTTP of its own.
      throw error instanceof FaultError && !('status' in FAULTS[error.fault.code]) ? new ApiFault(error.fault, {}, 503) : error;
    }
  },
});

/** Added to the path by who wants to be told what is seen. */
const NOTES = '&notes';
const SOCKET = /^\/api\/v1\/devices\/([^/?]{1,256})\/live-view\?ticket=([\w-]{1,128})(&notes)?$/;

/**
 * Takes the server's web sockets.
 *
 * @param check of a request's headers; throws a FaultError
 * @returns lets all viewers go
 */
export function serveLiveSockets(
  server: Server,
  sources: Pick<ApiSources, 'liveView'>,
  check: (request: IncomingMessage) => void,
): () => void {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1024 });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    let viewing: Viewing;
    try {
      check(request);
      viewing = admit(request, sources.liveView);
    } catch (error) {
      return refuse(request, socket, error);
    }
    sockets.handleUpgrade(request, socket, head, (viewer) => {
      // From its first byte on: the relay listens only once the viewing is on disk, and an error without a listener ends the process.
      viewer.on('error', () => viewer.terminate());
      sources.liveView?.watch(viewing, viewer, request.url?.endsWith(NOTES) ?? false);
    });
  });
  return () => { for (const viewer of sockets.clients) viewer.terminate(); };
}

/** @throws FaultError */
function admit({ url = '/', headers: { origin, host } }: IncomingMessage, liveView: ApiSources['liveView']): Viewing {
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
    throw new FaultError('CV_API_ORIGIN', { origin });
  const [, device, ticket] = SOCKET.exec(url) ?? [];
  if (!liveView || device === undefined || ticket === undefined)
    throw new FaultError('CV_API_UNKNOWN_ROUTE', { path: url.split('?', 1)[0] ?? '' });
  return liveView.admit(decodeURIComponent(device), ticket);
}

function refuse(request: IncomingMessage, socket: Duplex, error: unknown): void {
  const problem = problemOf(faultOf(error, 'CV_API_REQUEST'), languageOf({ query: {}, headers: request.headers }));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
