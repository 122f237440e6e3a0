import type { SSEEvent } from '../../src/index.ts'

/** The data of the questions and answers among events. */
export function pickInputs(events: readonly SSEEvent[]): unknown[] {
  return events.flatMap(({ type, data }) => {
    if (type !== 'input_required' && type !== 'input_resolved') return []
    const { executionId: _, timestamp: __, ...rest } = data
    return [{ type, ...rest }]
  })
}

/** Types and tasks of events, such as `task_start a`. */
export function outline(events: readonly SSEEvent[]): string[] {
  return events.map(({ type, data }) => ('taskId' in data ? `${type} ${data.taskId}` : type))
}
