import { setTimeout as pause } from 'node:timers/promises'

/**
 * Bytes in the heap after collections: two, with a pause, since a compiler at work in the background holds on to what it
 * looks at. Needs `--expose-gc`.
 */
export async function readHeap() {
  for (let round = 0; round < 2; round++) {
    await pause(100)
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}
