const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'

/** Characters of an id; each takes 6 bits of one random byte. */
const ID_LENGTH = 22

/** Random bytes for the next 128 ids: a call of the generator costs more than ten ids. */
const pool = new Uint8Array(128 * ID_LENGTH)
let used = pool.length

/** A new id, about 132 random bits. It never begins with a dash: a command line would read it as a flag. */
export function createId(): string {
  for (;;) {
    if (used === pool.length) {
      crypto.getRandomValues(pool)
      used = 0
    }
    const end = used + ID_LENGTH
    let id = ''
    while (used < end) id += ALPHABET[(pool[used++] as number) & 63]
    if (!id.startsWith('-')) return id
  }
}
