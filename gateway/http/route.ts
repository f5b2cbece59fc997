/** What a route is: its words, its parameters and answers as schemas (the document is made of these), and its handler. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { MAX_TIME_MS } from '../../core/event.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import { settingIssue } from '../../core/setting.ts';
import type { World } from '../../core/world.ts';
import type { Permission } from '../../api/permissions.ts';
import type { Admission, RequestOf } from '../people/access.ts';
import type { ApiSources } from './sources.ts';

/** A request whose sender was let in: who it is, and in which centres. */
export interface Call<Q, P, B = undefined> extends Admission {
  sources: ApiSources;
  world: World;
  query: Q;
  params: P;
  body: B;
  request: FastifyRequest;
  reply: FastifyReply;
}

export interface Route<Q extends z.ZodType = z.ZodType, P extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType> {
  method: 'GET' | 'POST' | 'DELETE';
  /** As fastify has it, `/api/v1/devices/:id`. */
  path: string;
  summary: BilingualText;
  query: Q;
  params: P;
  /** Of a POST that takes JSON. */
  body?: B;
  bodyExample?: unknown;
  /** Of a good answer; default 200. */
  status?: 202 | 303;
  /** What somebody must be allowed to get here; looked at before anything of the request is read. */
  needs: Permission;
  /** Shows, or acts on, the gateway as a whole: wanted in every centre. */
  everywhere?: true;
  /** Headers of the good answer that a client wants to know of. */
  headers?: Record<string, BilingualText>;
  /** Schema of the good answer; a text type for what is not JSON, with the schema of the JSON inside it. */
  answer: z.ZodType | { mediaType: string; data?: string };
  /** Answers under other statuses that are no fault. */
  alternatives?: { status: number; words: BilingualText; answer: z.ZodType; example: unknown }[];
  example?: unknown;
  /** Beside 400 and 500, which any route may answer. */
  faults: FaultCode[];
  handle(call: Call<z.output<Q>, z.output<P>, z.output<B>>): unknown;
}

/** Keeps the types of query and params together; the table holds routes of all types. */
export const route = <Q extends z.ZodType, P extends z.ZodType, B extends z.ZodType = z.ZodUndefined>(spec: Route<Q, P, B>): Route =>
  spec as unknown as Route;

export const NO_PARAMS = z.strictObject({});
/** @param example one that is there */
export const idParam = (en: string, zh: string, example: string) =>
  z.strictObject({
    id: z
      .string()
      .min(1)
      .max(128)
      .meta({ en, zh, examples: [example] }),
  });

/** Every route takes `lang`, for those who cannot send Accept-Language. */
const lang = z
  .enum(['zh-CN', 'en'])
  .optional()
  .meta({ en: 'language of errors; default: Accept-Language', zh: '错误信息的语言；默认按 Accept-Language', examples: ['en'] });
export const query = <S extends z.ZodRawShape>(shape: S) => z.strictObject({ ...shape, lang });

/** A number written in a URL. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,17}$/.test(text) && Number(text) >= min && Number(text) <= max,
      settingIssue(`expected a whole number from ${min} to ${max}`, `应为 ${min} 到 ${max} 的整数`),
    )
    .transform(Number)
    .pipe(z.int().min(min).max(max));
export const timeMs = () => whole(0, MAX_TIME_MS);
export const pageLimit = (max: number, standard: number) =>
  whole(1, max)
    .prefault(String(standard))
    .meta({ en: `items of a page, at most ${max}`, zh: `每页条数，最多 ${max}`, written: String(Math.min(max, 50)) });
/** Most items of a page. */
export const MAX_PAGE = 1000;
export const after = () =>
  z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ en: '`next` of the page before', zh: '上一页的 next', examples: ['pump-07-plc'] });

/** A filter of a list: a parameter that may be left out. */
export const filter = <T extends z.ZodType>(schema: T, en: string, zh: string, example: string) =>
  schema.optional().meta({ en, zh, examples: [example] });

/** A request as those who decide about it see it. */
export const requestOf = ({ headers, ip, method, protocol }: FastifyRequest): RequestOf => ({
  headers, address: ip, method, isSecure: protocol === 'https',
});

/** Whether an edge is of one's own centres alone: one that speaks for others as well is theirs too. */
export function seesEdge({ sources, sees, seesAll }: Pick<Call<unknown, unknown>, 'sources' | 'sees' | 'seesAll'>, edge: string): boolean {
  const centres = sources.centresOfEdge(edge);
  return seesAll || (centres.length > 0 && centres.every(sees));
}

export const unknownId = (what: BilingualText, id: string, list: string) =>
  new FaultError('CV_API_UNKNOWN_ID', { what: what.en, whatZh: what.zh, id, list });

/**
 * Cuts a page out of a sorted list.
 *
 * @param keyOf the written form of an item's place in the order
 * @param isAfter whether an item lies behind the place that `after` names
 */
export function pageFrom<T>(
  sorted: readonly T[],
  limit: number,
  keyOf: (item: T) => string,
  isAfter: (item: T) => boolean,
): { items: T[]; next: string | null } {
  const start = sorted.findIndex(isAfter);
  if (start < 0) return { items: [], next: null };
  const items = sorted.slice(start, start + limit);
  const last = items.at(-1);
  return { items, next: last !== undefined && start + limit < sorted.length ? keyOf(last) : null };
}

/** Lists ordered by a text: the cursor is the text itself. */
export function pageByText<T>(
  items: readonly T[],
  limit: number,
  afterText: string | undefined,
  textOf: (item: T) => string,
): { items: T[]; next: string | null } {
  const sorted = items.toSorted((a, b) => compareText(textOf(a), textOf(b)));
  return pageFrom(sorted, limit, textOf, (item) => afterText === undefined || compareText(textOf(item), afterText) > 0);
}

// By code unit, not by locale: the order must be the same on every machine that follows a cursor.
const compareText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
