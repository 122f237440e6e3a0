/** Largest integer of a `LIMIT` or `OFFSET` that stands for none. */
const MAX_COUNT = Number.MAX_SAFE_INTEGER

/** Age that stands for any, ms: three thousand years, which an interval can hold. */
const MAX_AGE_MS = 1e14

/** A text from outside as JSON, which escapes what PostgreSQL cannot hold: NUL, and half a character. */
export function toStored(text: string): string {
  return JSON.stringify(text)
}

export function fromStored(stored: unknown): string {
  return JSON.parse(stored as string) as string
}

/** A missing owner is an empty text: SQL compares NULLs as different. */
export function toStoredOwner(owner: string | undefined): string {
  return owner === undefined ? '' : toStored(owner)
}

/** A count for SQL, in which there is no `Infinity`. */
export function toCount(count: number): number {
  return Math.min(Math.ceil(count), MAX_COUNT)
}

/** An age for SQL, in which an interval has an end. */
export function toAgeMs(ageMs: number): number {
  return Math.max(-MAX_AGE_MS, Math.min(ageMs, MAX_AGE_MS))
}
