import { readField } from '../../client/failures.ts'
import type { ForkedFrom } from '../../engine/resume/recorded-options.ts'
import type { ExecutionHead } from './execution-source.ts'

/** Validates the shape of a server's entry. */
export function parseHead(value: unknown): ExecutionHead {
  const [executionId, status, createdAt] = ['executionId', 'status', 'createdAt'].map(name => readField(value, name))
  if (typeof executionId !== 'string' || typeof status !== 'string') {
    throw new Error('Expected an execution, got something else; is there a dagstream server at --server?')
  }
  const parked = readField(value, 'parked')
  const forkedFrom = parseOrigin(readField(value, 'forkedFrom'))
  const [code, message] = [readField(parked, 'code'), readField(parked, 'message')]
  return {
    executionId,
    status,
    ...(typeof createdAt === 'string' && { createdAt }),
    ...pickFields(value),
    ...(typeof code === 'string' && typeof message === 'string' && { parked: { code, message } }),
    ...(forkedFrom && { forkedFrom }),
  }
}

function parseOrigin(value: unknown): ForkedFrom | undefined {
  const [executionId, from] = [readField(value, 'executionId'), readField(value, 'from')]
  if (typeof executionId !== 'string' || !Array.isArray(from)) return undefined
  return { executionId, from: from.filter(id => typeof id === 'string') }
}

const TEXTS = ['name', 'startedAt', 'endedAt'] as const
const NUMBERS = [
  'totalTasks',
  'successCount',
  'errorCount',
  'skippedCount',
  'cancelledCount',
  'toleratedCount',
  'runningCount',
  'executionTimeMs',
] as const

function pickFields(value: unknown): Partial<ExecutionHead> {
  const pick = (names: readonly string[], type: 'string' | 'number'): object =>
    Object.fromEntries(names.map(name => [name, readField(value, name)]).filter(([, found]) => typeof found === type))
  return { ...pick(TEXTS, 'string'), ...pick(NUMBERS, 'number') }
}
