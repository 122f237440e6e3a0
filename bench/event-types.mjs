import { encode } from './library.mjs'
import { computeMedian } from './statistics.mjs'

const about = { executionId: 'V1StGXR8_Z5jdHi6B-myT', timestamp: '2025-01-01T00:00:00.000Z' }
const attempt = { ...about, taskId: 'summarise-section-12', attempt: 1 }
const counts = { totalTasks: 100, successCount: 99, errorCount: 1, skippedCount: 0, cancelledCount: 0 }
const tokenUsage = { totalTokensIn: 1234, totalTokensOut: 567, totalCost: 0.0123 }
const ids = Array.from({ length: 100 }, (_, task) => `task-${task}`)

/** One event of each type, as an execution of 100 tasks would have them. */
const DATA = {
  execution_start: { ...about, totalTasks: 100, layers: [ids.slice(0, 50), ids.slice(50)], schedule: 'layers' },
  task_start: { ...attempt, tool: 'llm:chat', layer: 3 },
  task_progress: { ...attempt, progress: 3, total: 10, message: 'Reading page 3' },
  token: { ...attempt, text: 'The quick brown fox' },
  info: { ...attempt, level: 'info', message: 'Retrying with a smaller page' },
  metrics: { ...attempt, ttftMs: 312.5, totalMs: 2417.2, tokenCount: 180, tokensPerSec: 85.1 },
  token_usage: { ...attempt, tokenUsage, executionTokenUsage: tokenUsage },
  task_retry: { ...attempt, delayMs: 1000, error: 'Service unavailable', code: 'TOOL_ERROR' },
  task_complete: {
    ...about,
    taskId: attempt.taskId,
    tool: 'llm:chat',
    status: 'success',
    output: { text: 'lorem ipsum '.repeat(20), tokens: 60 },
    attempts: 1,
    executionTimeMs: 2417.2,
    waitMs: 1.5,
  },
  execution_complete: {
    ...about,
    ...counts,
    status: 'partial',
    totalExecutionTimeMs: 9120.4,
    speedup: 11.2,
    criticalPathMs: 8012,
    parallelizationLayers: 2,
    tokenUsage,
  },
  error: { ...about, error: 'The store could not be written to', code: 'STORE_FAILED' },
  snapshot: {
    ...about,
    seq: 100,
    status: 'running',
    tasks: ids.map((taskId, task) => ({ taskId, status: 'pending', layer: task < 50 ? 0 : 1, attempts: 0 })),
    counts,
  },
}

const ROUNDS = 9
const EVENTS_PER_ROUND = 2000

/** Encoding of one event of each type to its frame, µs; the types in turn, as they come in real streams. */
export async function measureEventTypes() {
  const events = Object.entries(DATA).map(([type, data], index) => ({
    type,
    data,
    id: `${about.executionId}.${index + 1}`,
  }))
  const samples = new Map(events.map(({ type }) => [type, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const event of events) {
      const startedAt = performance.now()
      for (let n = 0; n < EVENTS_PER_ROUND; n++) encode(event)
      if (round > 1) samples.get(event.type).push(((performance.now() - startedAt) / EVENTS_PER_ROUND) * 1000)
    }
  }
  return Object.fromEntries([...samples].map(([type, values]) => [type, computeMedian(values)]))
}
