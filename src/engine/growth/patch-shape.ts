import { expectObject, invalidOption } from '../../errors.ts'
import { JsonValue } from '../../events/json-value.ts'
import { NotSerializableError } from '../../events/serialize.ts'
import { formatPointer } from '../../tools/json-pointer.ts'
import type { DAGTask, DAGWorkflowTask } from '../../workflow/document.ts'

/** A change of the document of a running execution: all of it, or nothing. At least one of the lists has an entry. */
export interface PlanPatch {
  /** Tasks that join the document, in any order. */
  readonly add?: readonly (DAGTask | DAGWorkflowTask)[]
  /** Ids of tasks that leave it. */
  readonly remove?: readonly string[]
  /** Tasks in place of those with the same ids. */
  readonly replace?: readonly (DAGTask | DAGWorkflowTask)[]
}

/** The document after a patch. */
export interface PatchedPlan {
  /** Number of tasks of the execution, with the children of parents. */
  readonly totalTasks: number
}

/** The names of the lists of a patch. */
export const PATCH_LISTS: readonly (keyof PlanPatch)[] = ['add', 'remove', 'replace']

/**
 * A copy of a patch with all of its lists, whose entries are not checked: later changes of it have no effect.
 * @throws `INVALID_OPTION` for a patch of another shape, or one that changes nothing
 */
export function expectPatch(patch: PlanPatch): Required<PlanPatch> {
  const { add = [], remove = [], replace = [], ...unknown } = expectObject('patch', patch)
  for (const [name, value] of Object.entries(unknown))
    throw invalidOption(name, 'absent: it is not part of a patch', value)
  for (const [name, list] of Object.entries({ add, remove, replace })) {
    if (!Array.isArray(list)) throw invalidOption(name, 'an array', list)
  }
  if (add.length + remove.length + replace.length === 0) {
    throw invalidOption('patch', 'to add, remove or replace at least one task', patch)
  }
  try {
    return copy({ add, remove, replace })
  } catch (error) {
    if (!(error instanceof NotSerializableError)) throw error
    throw invalidOption('patch', `JSON: ${error.message}`, patch)
  }
}

function copy(patch: Required<PlanPatch>): Required<PlanPatch> {
  const refuse = (path: readonly (string | number)[]): never => {
    throw new NotSerializableError(`a number at ${formatPointer(path)} is not finite`)
  }
  return JsonValue.from(patch, refuse).read() as Required<PlanPatch>
}
