/** Faults as problem+json (RFC 9457), in the language that the caller reads. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Problem } from '../../api/problem.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { explain, FAULTS, faultOf, FaultError, type Fault, type FaultCode, type Language } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';

export const TITLES: Record<number, { en: string; zh: string }> = {
  400: { en: 'Bad request', zh: '请求有误' },
  401: { en: 'Who are you', zh: '未授权' },
  403: { en: 'Not allowed', zh: '不允许' },
  404: { en: 'Not found', zh: '未找到' },
  405: { en: 'Method not allowed', zh: '方法不允许' },
  409: { en: 'Not unique', zh: '不唯一' },
  410: { en: 'Gone', zh: '已失效' },
  413: { en: 'Too large', zh: '内容过大' },
  414: { en: 'Address too long', zh: '地址过长' },
  415: { en: 'Media type not taken', zh: '不支持的内容类型' },
  421: { en: 'Not a name of this gateway', zh: '主机名不符' },
  429: { en: 'Too many', zh: '请求过多' },
  431: { en: 'Headers too large', zh: '请求头过大' },
  500: { en: 'Internal fault', zh: '内部故障' },
  503: { en: 'Not now', zh: '暂不可用' },
};

/** A fault with what only this answer adds, such as the candidates of a 409. */
export class ApiFault extends FaultError {
  readonly extra: Readonly<Record<string, unknown>>;
  /** Where the fault's row has none. */
  readonly status: number | undefined;
  constructor(fault: Fault, extra: Readonly<Record<string, unknown>>, status?: number) {
    super(fault.code, fault.params);
    this.extra = extra;
    this.status = status;
  }
}

/** `?lang=` wins, then the first of Accept-Language by weight that we addDescriptions, then zh-CN, the operators' language. */
export function languageOf(request: Pick<FastifyRequest, 'query' | 'headers'>): Language {
  const asked = (request.query as Record<string, unknown> | undefined)?.lang;
  const wanted = typeof asked === 'string' ? [asked] : weighed(request.headers['accept-language'] ?? '');
  for (const tag of wanted) {
    if (/^zh\b/i.test(tag)) return 'zh-CN';
    if (/^en\b/i.test(tag)) return 'en';
  }
  return 'zh-CN';
}

function weighed(header: string): string[] {
  return header.slice(0, 512).split(',')
    .map((part) => {
      const [tag = '', ...rest] = part.trim().split(';');
      const weight = rest.map((item) => /^\s*q=([\d.]+)\s*$/.exec(item)?.[1]).find((found) => found !== undefined);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter((entry) => entry.weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map((entry) => entry.tag);
}

export function problemOf(fault: Fault, language: Language, extra: Readonly<Record<string, unknown>> = {}, status?: number): Problem {
  const row: FaultRow = FAULTS[fault.code];
  const known = status ?? row.status ?? 500;
  const { message, remedy } = explain(fault, language);
  const title = TITLES[known] ?? TITLES[known < 500 ? 400 : 500];
  return {
    ...extra,
    type: `urn:cityvitals:fault:${fault.code}`,
    title: title ? title[language === 'en' ? 'en' : 'zh'] : '',
    status: known, detail: message, code: fault.code, remedy,
  };
}

/** What to do about a reason that is a fault's code; nothing when it is none, or nobody has to act. */
export function remedyOf(reason: string): { remedy?: BilingualText } {
  if (!(reason in FAULTS)) return {};
  const row: FaultRow = FAULTS[reason as FaultCode];
  return row.en[1] === '' || row.en[1].includes('{') ? {} : { remedy: { en: row.en[1], zh: row.zh[1] } };
}

/** What was thrown while a request was served, as the fault to answer with. */
export function faultOfRequest(error: unknown, path: string): { fault: Fault; extra: Readonly<Record<string, unknown>>; status?: number } {
  if (error instanceof ApiFault)
    return { fault: error.fault, extra: error.extra, ...(error.status !== undefined && { status: error.status }) };
  if (error instanceof FaultError) return { fault: error.fault, extra: {} };
  // fastify's own refusals carry a 4xx; anything else is ours to repair.
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) return { fault: faultOf(error, 'CV_API_REQUEST'), extra: {}, status };
  return { fault: faultOf(error, 'CV_API_INTERNAL', { path }), extra: {} };
}

const EN = z.locales.en().localeError;
const ZH = z.locales.zhCN().localeError;

/** Parses parameters. @throws CV_API_QUERY_INVALID naming the first that is wrong, in both languages */
export function parseParams<T extends z.ZodType>(schema: T, data: unknown, path: string): z.output<T> {
  const result = schema.safeParse(data, { error: EN });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const own = issue?.code === 'custom' ? (issue.params?.zh as string | undefined) : undefined;
  const detailZh = own ?? schema.safeParse(data, { error: ZH }).error?.issues[0]?.message ?? '';
  const parameter = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : (issue?.path.join('.') ?? '');
  throw new FaultError('CV_API_QUERY_INVALID', { parameter, path, detail: issue?.message ?? '', detailZh });
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json; charset=utf-8').send(JSON.stringify(problem));
}
