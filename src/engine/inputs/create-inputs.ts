import type { InputState } from '../../events/inputs.ts'
import type { JsonValue } from '../../events/json-value.ts'
import type { Lease } from '../../log/event-log.ts'
import type { Scopes } from '../groups/scopes.ts'
import { type DeskParts, InputDesk } from './input-desk.ts'
import { type InputParts, Inputs } from './inputs.ts'
import { SecretAnswers } from './secret-answers.ts'

/** The questions of an execution, and where they are answered. */
export interface InputRoom {
  readonly inputs: Inputs
  readonly desk: InputDesk
}

/** The largest item that a question shows, UTF-16 units of JSON. */
const MAX_ITEM = 256

/**
 * Creates the parts that questions need. Called for the first one: most executions have none.
 * @param known secret answers of an execution that resumes, by the id of their question
 */
export function createInputs(
  lease: Lease,
  known: ReadonlyMap<string, JsonValue> | undefined,
  parts: Omit<DeskParts & InputParts, 'graph' | 'secrets' | 'desk' | 'describeItem'> & { readonly scopes: Scopes },
): InputRoom {
  const { graph } = parts.table
  const { store, logger } = parts.options
  const secrets = new SecretAnswers(store, lease, logger, known)
  const desk = new InputDesk({ ...parts, graph, secrets })
  const describeItem = (task: number): Pick<InputState, 'index' | 'item'> => {
    for (let at = task; at >= 0; at = graph.groupOf(at).parent) {
      const index = graph.addedTask(at)?.index
      if (index === undefined) continue
      const { definition, parent } = graph.groupOf(at)
      if (definition?.kind !== 'forEach') return { index }
      const item = parts.scopes.resolveItems(parent, definition).at(index)
      return item === undefined || item.text.length > MAX_ITEM ? { index } : { index, item: item.read() }
    }
    return {}
  }
  return { inputs: new Inputs({ ...parts, secrets, desk, describeItem }), desk }
}
