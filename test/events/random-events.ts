import type { AddedTask, FinalTaskStatus, SSEEvent } from '../../src/index.ts'

/** Maximum number of tasks of one sequence. */
const MAX_TASKS = 60

interface Member {
  readonly taskId: string
  readonly parent: Member | undefined
  readonly kind: 'plain' | 'forEach' | 'repeat' | 'workflow'
  phase: 'pending' | 'running' | 'ended'
  attempt: number
  children: Member[]
  /** How many children it comes to have. */
  readonly size: number
}

/**
 * The events of an execution whose tasks are, at random, plain or parents of up to three levels, in a random order that
 * respects theirs. Not made by the engine: whatever it writes next has to fold as well.
 */
export function createRandomEvents(random: () => number): SSEEvent[] {
  const events: SSEEvent[] = []
  const members: Member[] = []
  const below = (end: number): number => Math.floor(random() * end)
  const chance = (share: number): boolean => random() < share
  const emit = (type: string, data: object): void => {
    const id = `x.${events.length + 1}`
    const timestamp = new Date(Date.UTC(2026, 0, 1) + events.length).toISOString()
    events.push({ type, data: { executionId: 'x', timestamp, ...data }, id } as SSEEvent)
  }
  const make = (taskId: string, parent: Member | undefined, depth: number): Member => {
    const kinds = ['plain', 'forEach', 'repeat', 'workflow'] as const
    const isPlain = depth === 3 || chance(0.4)
    const kind = isPlain ? 'plain' : kinds[1 + below(3)]!
    const size = kind === 'forEach' ? below(5) : 1 + below(4)
    const member: Member = { taskId, parent, kind, phase: 'pending', attempt: 0, children: [], size }
    members.push(member)
    return member
  }
  const depthOf = ({ parent }: Member): number => (parent === undefined ? 0 : 1 + depthOf(parent))
  const grow = (parent: Member): void => {
    const { taskId, kind, children } = parent
    const isWhole = kind === 'workflow'
    const count = isWhole ? parent.size : 1 + below(kind === 'repeat' ? 1 : parent.size - children.length)
    const tasks = Array.from({ length: count }, (_, at): AddedTask => {
      const index = children.length
      const id = isWhole ? `${taskId}/${at}` : `${taskId}[${index}]`
      children.push(make(id, parent, depthOf(parent) + 1))
      const more = isWhole ? { ...(at === count - 1 && { held: true as const }) } : { index }
      return { taskId: id, tool: 'w', layer: 0, dependsOn: [], ...more }
    })
    emit('tasks_added', { parentId: taskId, tasks, totalTasks: members.length })
  }
  const end = (member: Member): void => {
    const statuses: FinalTaskStatus[] = ['success', 'success', 'error', 'cancelled']
    const isReused = member.phase === 'pending' && member.kind === 'plain' && chance(0.4)
    const status = isReused ? 'success' : member.phase === 'pending' ? 'skipped' : statuses[below(4)]!
    member.phase = 'ended'
    const outcomes = {
      success: chance(0.2)
        ? { outputBytes: 70_000, outputPreview: '"x', outputPath: '/p' }
        : { output: { n: below(9), list: [null, 'a'] } },
      error: { error: 'no', code: 'E', ...(chance(0.5) && { optional: true }) },
      skipped: { error: 'unneeded', code: 'NOT_NEEDED', causedBy: 't0' },
      cancelled: { error: 'stop', code: 'CANCELLED' },
    }
    const reused = isReused ? { reusedFrom: { executionId: 'y', taskId: 't0' }, toolVersion: '2' } : {}
    const more = {
      status,
      ...outcomes[status],
      ...reused,
      attempts: member.attempt,
      executionTimeMs: below(9),
      waitMs: 1,
    }
    emit('task_complete', { taskId: member.taskId, tool: 'w', ...more })
  }
  const step = (member: Member): void => {
    const { taskId, kind, children, size } = member
    if (member.phase === 'pending') {
      if (chance(0.2) || members.length > MAX_TASKS) return end(member)
      member.phase = 'running'
      member.attempt = 1
      const more = { attempt: 1, ...(kind === 'forEach' && { itemCount: size }) }
      return emit('task_start', { taskId, tool: 'w', layer: 0, ...more })
    }
    if (kind !== 'plain') return children.length < size ? grow(member) : end(member)
    const { attempt } = member
    if (chance(0.3)) return emit('task_progress', { taskId, attempt, progress: below(9), total: 9, message: 'm' })
    if (chance(0.2)) {
      const usage = { totalTokensIn: events.length, totalTokensOut: 1 }
      return emit('token_usage', { taskId, attempt, tokenUsage: usage, executionTokenUsage: usage })
    }
    if (chance(0.2)) {
      const isInterrupted = chance(0.3)
      emit('task_retry', {
        taskId,
        attempt,
        delayMs: 1,
        error: 'no',
        code: 'E',
        ...(isInterrupted && { interrupted: true }),
      })
      member.attempt += 1
      return emit('task_start', { taskId, tool: 'w', layer: 0, attempt: member.attempt })
    }
    return end(member)
  }
  const happen = (): void => {
    const groups = members.filter(({ kind }) => kind === 'workflow')
    const turns: (() => void)[] = [
      () => emit('execution_handed_off', {}),
      () => emit('execution_resumed', { cause: 'crash', executionTimeMs: 1 }),
      () => emit('execution_parked', { code: 'CRASH_LIMIT', message: 'm', tasks: ['t0'] }),
      () => emit('execution_stopping', { reason: { code: 'CANCELLED', message: 'm' }, message: 'm' }),
      () => emit('tasks_stopping', { parentId: groups[0]?.taskId, phase: 'tasks', message: 'm' }),
    ]
    turns[below(turns.length)]!()
  }

  const names = Array.from({ length: 1 + below(4) }, (_, at) => `t${at}`)
  const last = chance(0.5) ? [['f']] : []
  for (const id of [...names, ...last.flat()]) make(id, undefined, 0)
  const more = { ...(last.length > 0 && { finallyFrom: 1 }), ...(chance(0.5) && { name: 'n' }) }
  emit('execution_start', { totalTasks: members.length, layers: [names, ...last], schedule: 'layers', ...more })
  for (;;) {
    const open = members.filter(
      ({ phase, children, size }) =>
        phase !== 'ended' && (children.length < size || children.every(child => child.phase === 'ended')),
    )
    const next = open[below(open.length)]
    if (next === undefined) break
    if (chance(0.05)) happen()
    step(next)
  }
  emit('execution_complete', describeEnd(events, members.length, random))
  return events
}

function describeEnd(events: readonly SSEEvent[], totalTasks: number, random: () => number): object {
  const ends = events.flatMap(event => (event.type === 'task_complete' ? [event.data] : []))
  const count = (status: FinalTaskStatus): number => ends.filter(data => data.status === status).length
  const outputs = [
    {},
    { output: { all: [1, null] } },
    { outputBytes: 70_000, outputPreview: '"x', outputPath: '/executions/x/output' },
    { outputError: { code: 'REFERENCE_NOT_FOUND', message: 'm' } },
  ]
  return {
    status: 'partial',
    ...(random() < 0.5 && { reason: { code: 'CANCELLED', message: 'm' } }),
    totalTasks,
    successCount: count('success'),
    errorCount: count('error'),
    skippedCount: count('skipped'),
    cancelledCount: count('cancelled'),
    toleratedCount: ends.filter(({ optional }) => optional).length,
    totalExecutionTimeMs: 9,
    speedup: 1,
    criticalPathMs: 8,
    parallelizationLayers: 2,
    ...outputs[Math.floor(random() * outputs.length)],
  }
}
