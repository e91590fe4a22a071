/** `parley coordinator`: not wired yet; the command line and its settings are there. */
import { ParleyError } from '../base/errors.ts';
import type { CoordinatorSettings } from './config.ts';

/** Runs until the process is told to stop; resolves with its exit code. */
export function runCoordinator(settings: CoordinatorSettings): Promise<number> {
  return Promise.reject(new ParleyError('usage', `parley ${settings.role} is not built yet.`));
}
