import type { ExecutionPlan, Group, PlannedTask } from '../../plan/execution-plan.ts'
import { shortenText } from '../../text.ts'
import type { GraphTask } from '../render/graph-text.ts'
import { formatCount, toPlainLine } from '../render/text.ts'

/** Maximum length of a condition in a label, characters. */
const MAX_CONDITION = 60

/** A plan as a drawing: groups hold the tasks of their workflow, and `finally` tasks are a group of their own. */
export function toGraph(plan: ExecutionPlan, prefix = ''): GraphTask[] {
  const drawn = plan.tasks.map((task, index) => {
    const dependencies = (plan.dependencies[index] ?? []).flatMap(each => plan.tasks[each]?.id ?? [])
    return drawTask(task, dependencies, prefix)
  })
  const last = drawn.slice(plan.mainCount)
  const main = drawn.slice(0, plan.mainCount)
  // No id of a task ends with a slash.
  return last.length === 0
    ? main
    : [...main, { id: `${prefix}finally/`, name: 'finally', dependencies: [], tasks: last }]
}

function drawTask(task: PlannedTask, dependencies: readonly string[], prefix: string): GraphTask {
  const { id, tool, runOn, when, optional, group } = task
  const ownId = prefix + id
  const inner = group?.kind === 'workflow' ? group : group?.body.group
  const notes = [
    ...describeGroup(group),
    ...(runOn === undefined ? [] : [`on ${runOn}`]),
    ...(when === undefined ? [] : [`when ${describeCondition(when.source)}`]),
    ...(optional === undefined ? [] : ['optional']),
  ]
  const isConditional = runOn !== undefined || when !== undefined
  return {
    id: ownId,
    ...(prefix !== '' && { name: id }),
    tool: tool.name,
    dependencies: dependencies.map(each => prefix + each),
    ...(notes.length > 0 && { notes }),
    ...(isConditional && { isConditional }),
    ...(inner?.kind === 'workflow' && { tasks: toGraph(inner.plan, `${ownId}${group === inner ? '' : '[*]'}/`) }),
  }
}

function describeGroup(group: Group | undefined): string[] {
  if (group === undefined || group.kind === 'workflow') return []
  if (group.kind === 'plan') return ['plans its tasks']
  if (group.kind === 'repeat') return [`up to ${formatCount(group.maxTimes)} times`]
  const { when } = group.body
  return ['for each', ...(when === undefined ? [] : [`when ${describeCondition(when.source)}`])]
}

function describeCondition(source: string): string {
  return shortenText(toPlainLine(source), MAX_CONDITION)
}
