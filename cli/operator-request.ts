/** Requests to a gateway's API as an operator: options, and errors. */
import type { Command } from 'commander';
import type { Page } from '../api/fields.ts';
import type { Problem } from '../api/problem.ts';
import { FaultError } from '../core/faults.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import { trustAuthority } from './trusted-authority.ts';
import './faults.ts';

export interface OperatorOptions {
  gateway: string;
  token?: string;
  ca?: string;
}

/** `--gateway`, `--token`, `--ca` and what every command has. */
export function addOperatorOptions(command: Command, { text }: CommandTerminal): Command {
  return command
    .option('--gateway <url>', text({ en: "address of the gateway's API", zh: '网关接口地址' }), 'http://127.0.0.1:8080')
    .option(
      '--token <token>',
      text({
        en: 'operator token; default: CITYVITALS_OPERATOR_TOKEN, which other users of this machine cannot see',
        zh: '操作员令牌；默认取环境变量 CITYVITALS_OPERATOR_TOKEN（同机其他用户看不到）',
      }),
    )
    .option(
      '--ca <file>',
      text({
        en: "CA of a gateway whose certificate is its own (PEM): ca.pem of the folder of tls.dir",
        zh: '网关使用自签 CA 时的 CA 文件（PEM），即 tls.dir 目录中的 ca.pem',
      }),
    )
    .option('--json', text({ en: 'one JSON line a result', zh: '每条结果输出一行 JSON' }))
    .option('--lang <language>');
}

/**
 * @param path behind `/api/v1/`. Ends the process with what is wrong where there is no good answer
 * @param method default: POST with a body, else GET
 */
export async function operatorRequest<T>(
  terminal: CommandTerminal,
  options: OperatorOptions,
  path: string,
  body?: object,
  method = body ? 'POST' : 'GET',
): Promise<T> {
  if (options.ca !== undefined) trust(terminal, options.ca);
  const token = options.token ?? process.env.CITYVITALS_OPERATOR_TOKEN ?? '';
  const url = `${options.gateway.replace(/\/$/, '')}/api/v1/${path}`;
  const headers = {
    authorization: `Bearer ${token}`,
    'accept-language': terminal.language,
    ...(body && { 'content-type': 'application/json' }),
  };
  const response = await fetch(url, {
    headers,
    signal: AbortSignal.timeout(15_000),
    method,
    ...(body && { body: JSON.stringify(body) }),
  }).catch((error: Error) =>
    exitWithFault(
      terminal,
      refusedError(
        url,
        '',
        (error.cause as Error | undefined)?.message ?? error.message,
        terminal.text({ en: 'check --gateway, and that the gateway is running', zh: '检查 --gateway 及网关是否运行' }),
      ),
    ),
  );
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && answer) return answer as T;
  const problem = answer as Problem | null;
  return exitWithFault(
    terminal,
    refusedError(url, String(response.status), problem ? `${problem.code}: ${problem.detail}` : '', problem?.remedy ?? ''),
    response.status === 400 ? EXIT.usage : EXIT.found,
  );
}

/** Every page of a list. @param path with a `?` where it has a query */
export async function* operatorList<T>(terminal: CommandTerminal, options: OperatorOptions, path: string): AsyncGenerator<T> {
  for (let after: string | null = ''; after !== null;) {
    const query = `${path.includes('?') ? '&' : '?'}limit=1000${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
    const page: Page<T> = await operatorRequest<Page<T>>(terminal, options, path + query);
    yield* page.items;
    after = page.next;
  }
}

/** For this process; beside the CAs that it trusts anyway. */
function trust(terminal: CommandTerminal, file: string): void {
  try {
    trustAuthority(file);
  } catch (error) {
    exitWithFault(terminal, new FaultError('CV_INPUT_INVALID', { key: '--ca', given: `${file}: ${(error as Error).message}` }), EXIT.usage);
  }
}

const refusedError = (url: string, status: string, detail: string, advice: string) =>
  new FaultError('CV_COMMAND_REFUSED', { gateway: URL.canParse(url) ? new URL(url).host : url, status, detail, advice });
