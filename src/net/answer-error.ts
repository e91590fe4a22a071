/** The error in an answer that is no success: what the server's problem+json says, or the nearest code to its status. */
import { ERRORS, ParleyError } from '../base/errors.ts';
import type { ErrorCode } from '../base/error-registry.ts';

/** @param status not 2xx */
export function errorOfAnswer(status: number, body: Buffer): ParleyError {
  const { code, detail, remedy } = membersOf(body);
  if (isCode(code)) {
    const options = typeof remedy === 'string' ? { remedy } : {};
    return new ParleyError(code, typeof detail === 'string' ? detail : ERRORS[code].meaning, options);
  }
  const nearest = (Object.keys(ERRORS) as ErrorCode[]).find((each) => ERRORS[each].status === status);
  return new ParleyError(nearest ?? (status < 500 ? 'bad-request' : 'internal'), `The server answered ${status}.`);
}

function membersOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}
