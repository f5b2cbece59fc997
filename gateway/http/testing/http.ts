/** HTTP as tests need it: an API on a free port, its answers, and a reader of server-sent events. */
import { get, type IncomingMessage } from 'node:http';
import type { LiveMessage } from '../../../api/live.ts';
import type { World } from '../../../core/world.ts';
import { serveApi, type ApiOptions, type ApiServer } from '../server.ts';
import type { ApiSources } from '../sources.ts';

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface OpenApi {
  api: ApiServer;
  ask(path: string, init?: RequestInit): Promise<Answer>;
}

/** @param scope a test's context, or node:test itself: closes the API whatever happens */
export async function openApi(
  scope: { after(close: () => Promise<void>): void },
  sources: ApiSources,
  world: World,
  options: Partial<ApiOptions> = {},
): Promise<OpenApi> {
  const api = await serveApi(sources, { port: 0, version: '0.0.0', ...options }, world);
  scope.after(() => api.close());
  return {
    api,
    async ask(path, init) {
      const response = await fetch(new URL(path, api.url), init);
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text },
      };
    },
  };
}

export interface Viewer {
  response: IncomingMessage;
  messages: LiveMessage[];
  /** All that came, comments and `bye` included. */
  text(): string;
  /** Resolves when the condition holds, checked at each piece that comes; rejects when the stream ends first. */
  until(condition: () => boolean): Promise<void>;
  ended: Promise<void>;
  leave(): void;
}

export function follow(url: string): Promise<Viewer> {
  return new Promise((resolve, reject) => {
    const request = get(new URL('/api/v1/live', url), (response) => {
      let text = '';
      let rest = '';
      const messages: LiveMessage[] = [];
      const waiting = new Set<() => void>();
      const ended = new Promise<void>((done) => { response.on('close', done); });
      response.setEncoding('utf8');
      response.on('error', () => {}); // a viewer that is let go; `ended` tells
      response.on('data', (piece: string) => {
        text += piece;
        const parts = (rest + piece).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const data = /^event: (?!bye)\w+\ndata: (.*)$/.exec(part)?.[1];
          if (data !== undefined) messages.push(JSON.parse(data) as LiveMessage);
        }
        for (const check of waiting) check();
      });
      resolve({
        response, messages, ended,
        text: () => text,
        until: (condition) => new Promise((done, fail) => {
          const check = () => {
            if (!condition()) return;
            waiting.delete(check);
            done();
          };
          waiting.add(check);
          void ended.then(() => fail(new Error('the stream ended first')));
          check();
        }),
        leave: () => request.destroy(),
      });
    });
    request.on('error', reject);
  });
}
