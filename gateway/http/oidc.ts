/** Signing in by an OpenID provider: there and back. Browsers come here, so both answer with a way on and never with JSON. */
import { z } from 'zod';
import { FaultError, faultOf } from '../../core/faults.ts';
import { NO_PARAMS, query, requestOf, route, type Call, type Route } from './route.ts';
import '../people/faults.ts';

const PATH = '/api/v1/session/oidc';
const CALLBACK = `${PATH}/callback`;
const parameter = (most: number, en: string, zh: string, example: string) =>
  z.string().max(most).optional().meta({ en, zh, examples: [example] });
const WAY_ON = { location: { en: 'where the browser goes', zh: '浏览器随后前往的地址' } };
const EMPTY = { mediaType: 'text/plain' };

export const OIDC_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: PATH,
    needs: 'public',
    status: 303,
    summary: { zh: '转到统一身份登录页面', en: 'leads to the sign-in page of the provider' },
    query: query({}),
    params: NO_PARAMS,
    headers: { ...WAY_ON, 'set-cookie': { en: 'by which the way back is known', zh: '用于识别回程' } },
    answer: EMPTY,
    example: '',
    faults: [],
    handle: (call) =>
      wayOn(call, async () => {
        const { request, reply, sources } = call;
        const from = requestOf(request);
        const { location, pending } = await providerOf(call).begin(`${request.protocol}://${request.host}${CALLBACK}`);
        reply.header('set-cookie', sources.access.pendingCookie(pending, from));
        return location;
      }),
  }),
  route({
    method: 'GET',
    path: CALLBACK,
    needs: 'public',
    status: 303,
    summary: {
      zh: '统一身份登录的回程：登录成功转到控制台，否则转到登录页并注明原因',
      en: 'the way back from the provider: on to the console, or to the sign-in page with the reason',
    },
    // Further ones are the provider's business (RFC 6749, 4.1.2).
    query: z.looseObject({
      code: parameter(4096, 'of the provider', '提供方的授权码', 'SplxlOBeZQQYbYS6WxSbIA'),
      state: parameter(512, 'as it was given to the provider', '此前交给提供方的值', 'af0ifjsldkj'),
      error: parameter(512, 'why not', '拒绝原因', 'access_denied'),
    }),
    params: NO_PARAMS,
    headers: { ...WAY_ON, 'set-cookie': { en: 'the session', zh: '会话' } },
    answer: EMPTY,
    example: '',
    faults: [],
    handle: (call) =>
      wayOn(call, async () => {
        const { request, reply, sources: { access, people } } = call;
        const from = requestOf(request);
        const over = access.pendingCookie('', from);
        reply.header('set-cookie', over);
        const identity = await providerOf(call).finish(access.pendingOf(from), searchOf(request.url), request.ip);
        const agent = request.headers['user-agent'] ?? '';
        const begun = await people.signInByProvider(identity, { address: request.ip, agent, browser: access.browserCookie(from) });
        reply.removeHeader('set-cookie');
        reply.header('set-cookie', [over, ...access.cookiesOf(begun, from)]);
        return '/';
      }),
  }),
];

/** @throws CV_OIDC_OFF */
function providerOf({ sources }: Pick<Call<unknown, unknown>, 'sources'>): NonNullable<typeof sources.oidc> {
  if (!sources.oidc) throw new FaultError('CV_OIDC_OFF');
  return sources.oidc;
}

const searchOf = (url: string): string => (url.includes('?') ? url.slice(url.indexOf('?')) : '');

/** A person is in front of it: what goes wrong is told on the sign-in page, in their language. */
async function wayOn({ reply, world }: Pick<Call<unknown, unknown>, 'reply' | 'world'>, location: () => Promise<string>): Promise<string> {
  reply.code(303);
  try {
    reply.header('location', await location());
  } catch (error) {
    const fault = faultOf(error, 'CV_API_INTERNAL');
    if (!(error instanceof FaultError) || fault.code === 'CV_OIDC_UNREACHABLE' || fault.code === 'CV_OIDC_REFUSED')
      world.tell({ kind: 'fault', fault });
    reply.header('location', `/#/sign-in/${fault.code}`);
  }
  return '';
}
