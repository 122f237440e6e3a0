import { isJsonObject } from '../../json/describe-json.ts'

/**
 * The same document without what only takes time in a dry run: the delays between rounds. A pointer into it leads to the same
 * value of the original. What is no document is returned as it is, for the checks.
 */
export function withoutDelays(document: unknown): unknown {
  if (!isJsonObject(document)) return document
  const lists = ['tasks', 'finally'].filter(name => Array.isArray(document[name]))
  const changed = lists.map(name => [name, (document[name] as readonly unknown[]).map(withoutDelay)])
  return { ...document, ...Object.fromEntries(changed) }
}

function withoutDelay(task: unknown): unknown {
  if (!isJsonObject(task)) return task
  const { repeat, workflow } = task
  // One that is wrong is left for the checks.
  const isDelayed = isJsonObject(repeat) && typeof repeat['everyMs'] === 'number' && repeat['everyMs'] >= 0
  return {
    ...task,
    ...(isDelayed && { repeat: { ...repeat, everyMs: 0 } }),
    ...(isJsonObject(workflow) && { workflow: withoutDelays(workflow) }),
  }
}
