/** The version of this package, as `parley --version` and `GET /version` say it. */
import { readFileSync } from 'node:fs';

/** Reads it from package.json, which lies two levels up from src/daemons and dist/daemons alike. */
export function parleyVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
