import type { LogEntry } from '../events/log-entry.ts'
import { WHOLE_EXECUTION } from '../events/wire-json.ts'

/**
 * Stores the outputs that entries only refer to. Runs before the append, so that every reference can be resolved.
 * @returns `undefined` if the store is synchronous; else a promise that rejects with any error of the store
 */
export function putOutputs(
  entries: readonly LogEntry[],
  putOutput: (taskId: string, json: string) => void | Promise<void>,
): Promise<void> | undefined {
  let putting: Promise<void>[] | undefined
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] as LogEntry
    if (!entry.refersToOutput || entry.output === undefined) continue
    try {
      const put = putOutput(entry.type === 'task_complete' ? entry.data.taskId : WHOLE_EXECUTION, entry.output.text)
      if (put !== undefined) (putting ??= []).push(put)
    } catch (error) {
      ;(putting ??= []).push(Promise.reject(error))
    }
  }
  return putting && Promise.all(putting).then(() => {})
}
