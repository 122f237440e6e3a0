import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects all garbage. @returns the heap that is left, bytes */
export function collectGarbage(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  // The memory of buffers is freed beside the first collection, at the latest when the next one begins.
  collect()
  return process.memoryUsage().heapUsed
}
