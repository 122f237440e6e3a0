import { PHASE } from './task-columns.ts'
import type { TaskGroup } from './task-group.ts'
import type { TaskTable } from './task-table.ts'

/** Tasks whose last attempt has no end in the log: it runs or waits for a person, or its process ended; ascending. */
export function findUnfinishedAttempts({ columns, graph }: TaskTable): number[] {
  const cut = columns.list(graph.size, PHASE.cut)
  return [...columns.listStarted(graph.size), ...cut].sort((a, b) => a - b)
}

/**
 * Ids of the tasks that will have been in flight in `count` crashes in a row if the last process crashed now.
 * @param runsAgain whether a task runs again if it was in flight; by default each does
 */
export function findCrashing(
  { columns, graph, crashes }: TaskTable,
  count: number,
  runsAgain: (task: number) => boolean = () => true,
): string[] {
  const running = columns.list(graph.size, PHASE.running).filter(runsAgain)
  return running.filter(task => crashes.of(task) + 1 >= count).map(task => graph.idOf(task))
}

/** All state that affects later decisions, as plain data: equal tables decide equally. For tests and diagnostics. */
export function inspectTable(table: TaskTable): unknown {
  const { columns, graph, progress, delays, crashes, history, inputs } = table
  const tasks = Array.from({ length: graph.size }, (_, task) => ({
    id: graph.idOf(task),
    phase: columns.phase[task],
    end: columns.end[task],
    unsettled: columns.unsettled[task],
    ends: progress.rules.endsOf(task),
    attempts: columns.attempts[task],
    countedAttempts: columns.countedAttempts(task),
    spentMs: columns.spentMs[task],
    delay: delays.get(task),
    crashes: crashes.of(task),
    inputs: inputs.records.inspect(task),
  }))
  const isEnding = (task: number): boolean => columns.phase[task] === PHASE.ending
  const endings = table.endings.list().map(ending => ({ ...ending, tasks: ending.tasks.filter(isEnding) }))
  const groups = Array.from(graph.openGroups, inspectGroup)
  const { stop, parked, isHandedOff, executionTimeMs, end } = history
  return {
    tasks,
    endings: endings.filter(ending => ending.tasks.length > 0),
    openedLayer: graph.root.gate?.opened,
    groups: [inspectGroup(graph.root), ...groups],
    runningCount: table.starts.runningCount,
    isDone: table.isDone,
    history: { stop, parked, isHandedOff, executionTimeMs, end },
    personWait: { isWaiting: inputs.wait.isWaiting, waitedMs: inputs.wait.waitedMs },
  }
}

function inspectGroup(group: TaskGroup): unknown {
  const { parent, base, children, itemCount, unsettledCount, failedCount, firstFailed, stop, finallyStop } = group
  const counts = { itemCount, unsettledCount, failedCount, firstFailed }
  const opened = group.gate?.opened
  return {
    parent,
    base,
    children: [...children],
    counts,
    stop,
    finallyStop,
    opened,
    isFinallyOpen: group.isFinallyOpen,
  }
}
