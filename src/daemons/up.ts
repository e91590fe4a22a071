/** `parley up`: not wired yet; the command line and its settings are there. */
import { ParleyError } from '../base/errors.ts';
import type { UpSettings } from './config.ts';

/** Runs until the process is told to stop; resolves with its exit code. */
export function runUp(settings: UpSettings): Promise<number> {
  return Promise.reject(new ParleyError('usage', `parley ${settings.role} is not built yet.`));
}
