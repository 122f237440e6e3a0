import type { LogEntry } from '../events/log-entry.ts'

/**
 * Keeps the outputs that entries only refer to, before the entries are appended: no reference ever leads nowhere.
 * @returns `undefined` where the store has answered at once; rejects with what the store throws
 */
export function putOutputs(
  entries: readonly LogEntry[],
  putOutput: (taskId: string, json: string) => void | Promise<void>,
): Promise<void> | undefined {
  let putting: Promise<void>[] | undefined
  for (let at = 0; at < entries.length; at++) {
    const { refersToOutput, data } = entries[at] as LogEntry
    if (!refersToOutput || data.output === undefined) continue
    try {
      const put = putOutput(data.taskId ?? '', data.output.text)
      if (put !== undefined) (putting ??= []).push(put)
    } catch (error) {
      ;(putting ??= []).push(Promise.reject(error))
    }
  }
  return putting && Promise.all(putting).then(() => {})
}
