/**
 * A number that stands for everything that left or was written in a run, in
 * order: two runs with the same digest did the same. FNV-1a over 32 bits, in
 * two lanes, so that a collision by chance is no concern.
 */

const PRIME = 16777619;

/** See the header. */
export class RunDigest {
  private a = 0x811c9dc5;
  private b = 0x1000193;
  private readonly codes = new Map<string, number>();

  /** Takes in what happened: when, and words from a small vocabulary. */
  add(atMs: number, first: string, second: string, third: number): void {
    this.mix(Math.floor(atMs * 1_000));
    this.mix(this.codeOf(first));
    this.mix(this.codeOf(second));
    this.mix(third);
  }

  /** 16 hex digits. */
  get text(): string {
    return [this.a, this.b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private mix(value: number): void {
    this.a = Math.imul(this.a ^ value, PRIME);
    this.b = Math.imul(this.b + value, PRIME) ^ (this.a >>> 15);
  }

  /** The words hashed letter by letter, once each. */
  private codeOf(word: string): number {
    const known = this.codes.get(word);
    if (known !== undefined) return known;
    let code = 0x811c9dc5;
    for (let at = 0; at < word.length; at += 1) code = Math.imul(code ^ word.charCodeAt(at), PRIME);
    this.codes.set(word, code);
    return code;
  }
}
