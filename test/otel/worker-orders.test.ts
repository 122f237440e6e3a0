import { expect, test } from 'vitest'
import type { LogEntry } from '../../src/events/log-entry.ts'
import { ParallelExecutor } from '../../src/index.ts'
import { otelRig } from './otel-rig.ts'

test('an attempt whose order is written together with its start has the context of its span', async () => {
  const { observer, receiver, flush } = await otelRig()
  const asked: (string | undefined)[] = []
  // The log entries of a real execution, handed on as a coordinator of workers does: the order first.
  const executor = new ParallelExecutor({ a: () => 1, b: () => 2 }, { observers: [{ observe: () => ({ onEntry }) }] })
  const entries: LogEntry[] = []
  function onEntry(entry: LogEntry): void {
    entries.push(entry)
  }
  await executor.execute({
    tasks: [
      { id: 'a', tool: 'a' },
      { id: 'b', tool: 'b', dependsOn: ['a'] },
    ],
  })
  const trace = observer.begin?.({ executionId: 'x1' }, undefined)
  const spans = observer.observe(
    { executionId: 'x1' },
    { ...(trace && { trace }), dependenciesOf: ({ data }) => ('taskId' in data && data.taskId === 'b' ? ['a'] : []) },
  )
  for (const entry of entries) {
    if (entry.type === 'task_start') asked.push(spans?.traceparentOf?.(entry.data.taskId, entry.data.attempt))
    spans?.onEntry?.(entry)
  }
  spans?.onEnd?.('success')
  await flush()
  const attempts = ['execute_tool a', 'execute_tool b'].map(name => receiver.find(name))
  expect(asked).toEqual(attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`))
  expect([attempts[1]?.links.map(({ spanId }) => spanId), attempts[1]?.attributes['gen_ai.tool.name']]).toEqual([
    [attempts[0]?.spanId],
    'b',
  ])
})
