/** Asks a gateway's API as an operator: the options for it, and what is said when it does not answer or refuses. */
import type { Command } from 'commander';
import type { Problem } from '../api/problem.ts';
import { FaultError } from '../core/faults.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';

export interface OperatorOptions {
  gateway: string;
  token?: string;
}

/** `--gateway`, `--token` and what every command has. */
export function withOperator(command: Command, { text }: Terminal): Command {
  return command
    .option('--gateway <url>', text({ en: 'address of the gateway\'s API', zh: '网关接口地址' }), 'http://127.0.0.1:8080')
    .option('--token <token>', text({ en: 'your operator token; default: the environment\'s CITYVITALS_OPERATOR_TOKEN, which no other user of this machine sees', zh: '操作员令牌；默认取环境变量 CITYVITALS_OPERATOR_TOKEN（同机其他用户看不到）' }))
    .option('--json', text({ en: 'one JSON line a result', zh: '每条结果输出一行 JSON' })).option('--lang <language>');
}

/** @param path behind `/api/v1/`. Ends the process with what is wrong where there is no good answer */
export async function operatorRequest<T>(terminal: Terminal, options: OperatorOptions, path: string, body?: object): Promise<T> {
  const token = options.token ?? process.env.CITYVITALS_OPERATOR_TOKEN ?? '';
  const url = `${options.gateway.replace(/\/$/, '')}/api/v1/${path}`;
  const headers = { authorization: `Bearer ${token}`, 'accept-language': terminal.language, ...(body && { 'content-type': 'application/json' }) };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(15_000), ...(body && { method: 'POST', body: JSON.stringify(body) }) })
    .catch((error: Error) => fail(terminal, refused(url, '', (error.cause as Error | undefined)?.message ?? error.message, terminal.text({ en: 'check --gateway, and that the gateway runs', zh: '检查 --gateway 及网关是否运行' }))));
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && answer) return answer as T;
  const problem = answer as Problem | null;
  return fail(terminal, refused(url, String(response.status), problem ? `${problem.code}: ${problem.detail}` : '', problem?.remedy ?? ''), response.status === 400 ? EXIT.usage : EXIT.found);
}

const refused = (url: string, status: string, detail: string, advice: string) =>
  new FaultError('CV_COMMAND_REFUSED', { gateway: URL.canParse(url) ? new URL(url).host : url, status, detail, advice });
