import type { LogEntry } from '../../events/log-entry.ts'
import { encodeEntry } from '../../sse/encode.ts'

/** Maximum size of a block, bytes. Entries that are encoded together are in one block, even if they are larger. */
const BLOCK_BYTES = 64 * 1024

/** Approximate overhead of a mark and of a block beside the frames, bytes. */
const MARK_BYTES = 16
const BLOCK_OVERHEAD_BYTES = 256

/** Consecutive frames. Append-only, so that parts of it can be shared. */
interface Block {
  /** May be longer than the frames. */
  bytes: Uint8Array
  /** How many of the bytes are frames. */
  size: number
  /** The first seq and the start of each batch of entries that were encoded together: ascending, at least one. */
  readonly seqs: number[]
  readonly starts: number[]
}

/** A part of a log on the wire. */
export interface Frames {
  readonly afterSeq: number
  readonly lastSeq: number
  /** Shared by readers: must not be modified. */
  readonly bytes: Uint8Array
}

/**
 * The frames of one log, without gaps, up to the last entry that a reader has requested. Each entry is encoded once, for its
 * first reader.
 *
 * It holds bytes but no entries, which would keep their data and whole outputs in memory.
 */
export class FrameTail {
  readonly #blocks: Block[] = []
  #nextSeq = 1
  #bytes = 0
  /** The last result of `take`: most readers of an execution are at the same position. */
  #shared: Frames | undefined

  /** Approximate memory, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Seq of the first frame; `nextSeq` if there is none. */
  get firstSeq(): number {
    return this.#firstSeq(0)
  }

  /** Seq after the last frame; that of the first entry of a log if there never was one. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** The frames after `afterSeq` in one block; `undefined` if the first of them is not here. */
  take(afterSeq: number): Frames | undefined {
    const shared = this.#shared
    if (shared?.afterSeq === afterSeq && shared.lastSeq === this.#nextSeq - 1) return shared
    const seq = afterSeq + 1
    const at = seq < this.#nextSeq ? findLast(this.#blocks.length, index => this.#firstSeq(index) <= seq) : -1
    const block = this.#blocks[at]
    if (block === undefined) return undefined
    const lastSeq = this.#firstSeq(at + 1) - 1
    if (shared?.afterSeq === afterSeq && shared.lastSeq === lastSeq) return shared
    this.#shared = { afterSeq, lastSeq, bytes: block.bytes.subarray(findStart(block, seq), block.size) }
    return this.#shared
  }

  /** Encodes consecutive entries of the log and keeps their frames. If they do not follow the others, those are dropped. */
  append(entries: readonly LogEntry[]): Uint8Array {
    const { seq } = entries[0] as LogEntry
    if (seq !== this.#nextSeq) this.clear()
    this.#nextSeq = seq + entries.length
    let text = ''
    for (let at = 0; at < entries.length; at++) text += encodeEntry(entries[at] as LogEntry)
    return this.#append(seq, text)
  }

  /** Drops the oldest block. */
  dropOldest(): void {
    const block = this.#blocks.shift()
    if (block !== undefined) this.#bytes -= weigh(block)
    this.#shared = undefined
  }

  /** Drops all blocks. */
  clear(): void {
    while (this.#blocks.length > 0) this.dropOldest()
  }

  /** First seq of a block by its index; `nextSeq` behind the last block. */
  #firstSeq(index: number): number {
    return this.#blocks[index]?.seqs[0] ?? this.#nextSeq
  }

  /** @returns the frames */
  #append(seq: number, text: string): Uint8Array {
    const last = this.#blocks.at(-1)
    const room = last === undefined ? 0 : BLOCK_BYTES - last.size
    if (last !== undefined && text.length <= room) {
      const { read, written } = encoder.encodeInto(text, this.#reserve(last, text.length))
      if (read === text.length) return this.#extend(last, seq, written)
    }
    const bytes = encoder.encode(text)
    if (last !== undefined && bytes.byteLength <= room) {
      this.#reserve(last, bytes.byteLength).set(bytes)
      return this.#extend(last, seq, bytes.byteLength)
    }
    const block = { bytes, size: bytes.byteLength, seqs: [seq], starts: [0] }
    this.#blocks.push(block)
    this.#bytes += weigh(block)
    return bytes
  }

  /** Makes the free space behind the frames of a block at least `size` bytes. @returns it */
  #reserve(block: Block, size: number): Uint8Array {
    const needed = block.size + size
    if (needed > block.bytes.byteLength) {
      // At most twice the size of a short log. Copy, since readers may still hold parts of the old bytes.
      const grown = new Uint8Array(this.#blocks.length > 1 ? BLOCK_BYTES : Math.min(BLOCK_BYTES, 2 * needed))
      grown.set(block.bytes.subarray(0, block.size))
      this.#bytes += grown.byteLength - block.bytes.byteLength
      block.bytes = grown
    }
    return block.bytes.subarray(block.size)
  }

  /** Adds the next `size` bytes of a block as frames from `seq` on. @returns them */
  #extend(block: Block, seq: number, size: number): Uint8Array {
    const start = block.size
    block.seqs.push(seq)
    block.starts.push(start)
    block.size += size
    this.#bytes += MARK_BYTES
    return block.bytes.subarray(start, block.size)
  }
}

const encoder = new TextEncoder()

function weigh({ bytes, seqs }: Block): number {
  return BLOCK_OVERHEAD_BYTES + bytes.byteLength + seqs.length * MARK_BYTES
}

/** Where the frame of an entry begins in its block. */
function findStart({ bytes, seqs, starts }: Block, seq: number): number {
  const mark = findLast(seqs.length, index => (seqs[index] as number) <= seq)
  let at = starts[mark] as number
  // An empty line ends a frame and occurs nowhere else in it.
  for (let left = seq - (seqs[mark] as number); left > 0; at++) {
    at = bytes.indexOf(LF, at)
    if (bytes[at + 1] !== LF) continue
    at += 1
    left -= 1
  }
  return at
}

const LF = 0x0a

/**
 * The last of `count` indices for which the monotone predicate `isBelow` holds; −1 if there is none. Tries the last index
 * first.
 */
function findLast(count: number, isBelow: (index: number) => boolean): number {
  if (count > 0 && isBelow(count - 1)) return count - 1
  let from = -1
  let to = count - 1
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if (isBelow(middle)) from = middle
    else to = middle
  }
  return from
}
