/** The server's StatusCode from the library's errors. */
import { StatusCodes, type StatusCode } from 'node-opcua-client';

interface ErrorWithStatus {
  statusCode?: StatusCode;
  response?: { responseHeader?: { serviceResult?: StatusCode } };
}

/**
 * The name of the StatusCode that the server answered with (`BadUserAccessDenied`), or null when it did not answer.
 * Where the library keeps no code (a refused channel, a failed activation), its text contains the standard name of the
 * code, which is searched.
 */
export function statusNameOf(error: unknown): string | null {
  const { statusCode, response } = (error ?? {}) as ErrorWithStatus;
  const code = response?.responseHeader?.serviceResult ?? statusCode;
  if (code && typeof code.name === 'string') return code.name;
  for (const [name] of (error instanceof Error ? error.message : '').matchAll(/\bBad[A-Z][A-Za-z]+/g)) if (name in StatusCodes) return name;
  return null;
}
