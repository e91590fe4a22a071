/**
 * Every error code of Parley, in one literal table (see errors.ts for the
 * meaning of the columns). Add a row here; nowhere else makes a code.
 */
const bad = (status: number, meaning: string, remedy: string) =>
  ({ definite: true, status, exitCode: 1, meaning, remedy }) as const;
const fatal = (exitCode: number, meaning: string, remedy: string) =>
  ({ definite: true, status: 500, exitCode, meaning, remedy }) as const;
const unsure = (status: number, meaning: string, remedy: string) =>
  ({ definite: false, status, exitCode: 1, meaning, remedy }) as const;

const behind = (status: number, meaning: string, remedy: string) =>
  ({ definite: true, status, exitCode: 4, meaning, remedy }) as const;

/** The registry: one row per code, kept one row per line so that it reads as a table. */
// prettier-ignore
export const ERRORS = {
  // What a client sent.
  'malformed-json': bad(400, 'The body is not one JSON text in UTF-8.', 'Send one JSON object.'),
  'bad-request': bad(400, 'The request does not have the shape this endpoint takes.', 'Mend the named field and send it again.'),
  'not-found': bad(404, 'There is nothing at this path.', 'See GET / for the paths this daemon serves.'),
  'not-seen': bad(404, 'This id has no transaction here.', 'This is not a no: send the transaction again with the same id to settle it.'),
  'unknown-group': bad(404, 'The operation addresses a group that cluster.json does not name.', 'Use one of the groups listed.'),
  'unknown-account': bad(404, 'There is no such account.', 'Create it first, or use an existing number.'),
  'unknown-room': bad(404, 'There is no such room.', 'A room begins with its first line.'),
  'method-not-allowed': bad(405, 'This path does not take this method.', 'Use a method named in Allow.'),
  'bad-operation': bad(422, 'The operation is not one that the resource of its group takes.', 'Mend the named field; the id stays free.'),
  'bad-amount': bad(422, 'An amount is an integer from 1 to 9007199254740991.', 'Send a whole number without quotes.'),
  'inexact-number': bad(422, 'A number in the body is not an exact integer.', 'Send integers between -9007199254740991 and 9007199254740991, without fraction or exponent.'),
  'bad-id': bad(422, 'The id is neither a UUID nor a label of 1 to 64 characters A-Z a-z 0-9 . _ -', 'Use a UUIDv7, or a label such as TX001.'),
  'lab-only': bad(422, 'This breaks atomicity on purpose and exists in the lab only.', 'Use 2pc, 3pc or parallel; or start every daemon with --lab and watch it break.'),
  'no-faults': bad(409, 'This node was not started for faults, so it takes no fault rule.', 'Start it with a cluster file that has "faults" (it may be an empty list), or with --lab.'),
  'no-launcher': bad(409, 'Nobody who could start a process again listens to this server.', 'Start the node in a shell of its own, or the cluster with parley up.'),
  'id-reused': bad(422, 'This id was used before with another body.', 'Use a new id for a new transaction.'),
  'too-old': bad(410, 'This id is older than the outcomes kept here; it is never run again.', 'Look at the balances, then use a new id.'),
  'position-gone': bad(410, 'This position of the feed is not kept here any more.', 'Take GET /feed/snapshot, then follow from its position.'),
  'too-large': bad(413, 'The body is larger than this endpoint takes.', 'Send less in one request.'),
  'unauthorized': bad(401, 'The request needs the credentials of the cluster.', 'Send Authorization: Parley <key> from the credentials file.'),
  'forbidden': bad(403, 'The credentials do not allow this.', 'Use the credentials of this cluster.'),
  // Bytes that are no HTTP/1.1 request (docs/wire.md); the connection closes behind the answer.
  'bad-frame': bad(400, 'The bytes are no HTTP/1.1 frame, or end inside one; nothing of it was executed.', 'Mend the client, and send it again on a new connection.'),
  'request-timeout': bad(408, 'The request did not arrive in time; nothing of it was executed.', 'Send it again without a pause.'),
  'target-too-long': bad(414, 'The request target is longer than the limit.', 'Put what is long into the body.'),
  'expectation-failed': bad(417, 'The only expectation met here is 100-continue.', 'Leave the Expect header out.'),
  'head-too-large': bad(431, 'The header fields, trailers or chunk extensions are too many or too long.', 'Send fewer or shorter ones.'),
  'method-unknown': bad(501, 'HTTP knows no such method, or it is TRACE or CONNECT.', 'Use a method named in the documentation; case counts.'),
  'version-unsupported': bad(505, 'The version is well-formed, and neither HTTP/1.0 nor HTTP/1.1.', 'Speak HTTP/1.1.'),
  // What could not be done now; nothing happened.
  'busy': bad(503, 'The daemon cannot take this now; nothing happened.', 'Send it again after Retry-After seconds.'),
  'draining': bad(503, 'The daemon is stopping; nothing happened.', 'Send it to another daemon, or again when it is back.'),
  'starting': bad(503, 'The daemon is still recovering; nothing happened.', 'Send it again in a second.'),
  'in-doubt': bad(503, 'What was asked for is being changed by a transaction whose outcome is not known yet.', 'Ask again, or read with ?stale=allow.'),
  'no-lease': bad(503, 'This replica cannot know that it is up to date.', 'Ask another member of the group, or read with ?stale=allow.'),
  'log-full': bad(507, 'The disk under the log is full; nothing happened.', 'Free space; the daemon goes on by itself.'),
  'labels-full': bad(507, 'All 10000 labels that are kept for ever are taken.', 'Use a UUIDv7 as id.'),
  // Why a transaction aborted (reasons of an outcome, not errors of a request).
  'insufficient-funds': bad(409, 'The account does not hold enough.', 'Lower the amount, or put money in first.'),
  'balance-overflow': bad(409, 'The account would hold more than 9007199254740991.', 'Lower the amount, or move money out first.'),
  'account-exists': bad(409, 'There is an account of this number already.', 'Use another number, or leave the number out.'),
  'lock-timeout': bad(409, 'Another transaction held what this one needed for too long.', 'Send it again with a new id.'),
  'vote-timeout': bad(409, 'A participant did not vote in time.', 'See that every participant runs, then send it again with a new id.'),
  'voted-no': bad(409, 'A participant voted no by hand or by its --vote flag.', 'Ask the person at its console.'),
  'node-unreachable': bad(409, 'A node could not be reached, so it did not vote.', 'See the fault rules of the node; send it again with a new id.'),
  'replica-mismatch': bad(409, 'Replicas of one group computed different results.', 'Look at the alarm in the log of the coordinator.'),
  'terminated': bad(409, 'The survivors decided abort while the coordinator was away.', 'Send it again with a new id.'),
  'not-in-view': bad(409, 'The participant is not an up-to-date member of the group.', 'It joins by itself; send the transaction again.'),
  'refused-number': bad(409, 'The participant had promised abort for this attempt.', 'Send it again with a new id.'),
  // Between nodes.
  'stale-epoch': bad(409, 'A newer start of this coordinator exists.', 'Stop the old one.'),
  'other-incarnation': bad(409, 'The log of the coordinator is not the one this participant knows.', 'Restore the log it had; a participant follows no other.'),
  'log-behind': behind(409, 'The log of this node is shorter than what its peers saw it sync.', 'Restore the newer log; do not start it with an older copy.'),
  'wrong-peer': bad(409, 'The node at this address has another name than the one meant.', 'Mend the address of that peer in cluster.json.'),
  'name-taken': bad(409, 'Another process runs under this name.', 'Stop it, or take another --name.'),
  // It may have happened.
  'timeout': unsure(504, 'No answer came in time; it may have happened.', 'Ask again with the same id.'),
  'connection-lost': unsure(502, 'The connection broke before the answer came; it may have happened.', 'Ask again with the same id.'),
  'unreachable': bad(502, 'No connection could be made; nothing was sent.', 'See that the daemon runs at this address.'),
  'internal': unsure(500, 'A bug was met; it may have happened.', 'Ask again with the same id, and report the log line.'),
  // Why a process ends.
  'usage': fatal(2, 'The command line is wrong.', 'See --help.'),
  'bad-config': fatal(2, 'The configuration is wrong.', 'Mend the named key.'),
  'directory-unusable': fatal(4, 'The data directory cannot be used.', 'Make it a directory this user can write.'),
  'directory-busy': fatal(75, 'Another process uses this data directory.', 'Stop it, or give another --data-dir.'),
  'directory-foreign': fatal(4, 'The data directory belongs to another node.', 'Give the --name and role it was made for, or another --data-dir.'),
  'port-busy': fatal(75, 'The port is in use.', 'Stop what listens there, or give another --port.'),
  'port-unusable': fatal(2, 'The address cannot be listened on.', 'Give a --host of this machine and a --port from 0 to 65535.'),
  'wal-corrupt': fatal(4, 'The write-ahead log is damaged before its last records.', 'Nothing was changed; look with parley log, then restore a copy.'),
  'checkpoint-corrupt': fatal(4, 'The checkpoint does not fit the log.', 'Nothing was changed; restore a copy of the directory.'),
  'sync-failed': fatal(5, 'The disk did not confirm a write.', 'Look at the disk; then start again, it recovers from the log.'),
  // When one process starts others.
  'daemon-failed': fatal(1, 'A daemon of the cluster ended before it was ready.', 'Mend what its last line says, then start again.'),
  'daemon-not-ready': fatal(1, 'A daemon of the cluster was not ready in time.', 'Look into node.log in its data directory.'),
  'bench-failed': fatal(1, 'A benchmark could not be measured.', 'Mend what the message says, then run it again.'),
} as const;

/** A code of the registry. */
export type ErrorCode = keyof typeof ERRORS;
