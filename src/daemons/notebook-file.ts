/**
 * The notebook as a text file of its own, one line per committed string, for
 * people and for `tail -f`. A projection: the log holds the truth, so the file
 * is written anew at each start and needs no sync.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { ParleyError } from '../base/errors.ts';
import type { ParticipantHost } from '../host/participant-host.ts';
import type { ResourceKind } from '../resources/resource.ts';
import type { FeedDesk } from './feed-desk.ts';

/** The file `notebook.txt` of one participant; see the header. */
export class NotebookFile {
  private readonly stop: () => void;

  constructor(
    path: string,
    participant: ParticipantHost,
    groups: readonly { readonly group: string; readonly kind: ResourceKind }[],
    feed: FeedDesk,
  ) {
    const notebooks = groups.filter(({ kind }) => kind === 'notebook').map(({ group }) => group);
    if (notebooks.length === 0) {
      this.stop = () => undefined;
      return;
    }
    const text = (): string =>
      notebooks
        .flatMap((group) => participant.resources.groups.notebook(group)?.strings() ?? [])
        .map(({ string }) => oneLine(string))
        .join('');
    const writeWhole = (): void => this.write(() => writeFileSync(path, text(), { mode: 0o600 }));
    writeWhole();
    feed.onInstalled((group) => {
      if (notebooks.includes(group)) writeWhole();
    });
    this.stop = feed.follow((change) => {
      if (!notebooks.includes(change.group)) return;
      const { strings = [] } = change.data as { strings?: readonly { readonly string: string }[] };
      this.write(() => appendFileSync(path, strings.map(({ string }) => oneLine(string)).join('')));
    });
  }

  close(): void {
    this.stop();
  }

  /** A full disk loses a line of the projection only; the next start writes it whole. */
  private write(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw new ParleyError('directory-unusable', String(cause), { cause });
    }
  }
}

/** A string may hold line ends; in the file each string is one line. */
function oneLine(string: string): string {
  return `${string.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}\n`;
}
