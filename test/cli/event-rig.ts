import type { EventFor, SSEEvent, SSEEventType, TaskResult } from '../../src/events/events.ts'

/** An event as an executor sends it. */
export function event<Type extends SSEEventType>(
  type: Type,
  data: Omit<EventFor<Type>['data'], 'executionId' | 'timestamp'>,
): SSEEvent {
  return { type, data: { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z', ...data } } as unknown as SSEEvent
}

/** The start of an execution with these layers. */
export function started(...layers: string[][]): SSEEvent {
  return event('execution_start', { totalTasks: layers.flat().length, layers, schedule: 'layers', name: 'demo' })
}

/** The result of a task that succeeded in 12 ms, with what is given instead. */
export function result(taskId: string, given: Partial<TaskResult> = {}): TaskResult {
  return {
    taskId,
    tool: 'echo',
    status: 'success',
    output: null,
    attempts: 1,
    executionTimeMs: 12,
    waitMs: 0,
    ...given,
  }
}
