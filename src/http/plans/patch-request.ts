import { describeValue } from '../../errors.ts'
import { PATCH_LISTS, type PlanPatch } from '../../engine/growth/patch-shape.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { badRequest } from '../answers/problem.ts'
import { type JsonBody, refuseDuplicates, toIssues } from '../body/execution-request.ts'

/**
 * Parses the body of a patch: `{add?, remove?, replace?}`, of which one has an entry. Their entries are not checked.
 * @throws HttpProblem 400 for another shape; DagstreamError `INVALID_WORKFLOW` for duplicate keys
 */
export function parsePatchRequest({ value, duplicateKeys }: JsonBody): PlanPatch {
  const expected = 'add, remove and replace'
  if (!isJsonObject(value)) throw badRequest(`Expected an object of ${expected}, got ${describeJson(value)}`)
  const unknown = Object.keys(value).find(name => !(PATCH_LISTS as readonly string[]).includes(name))
  if (unknown !== undefined) throw badRequest(`Unknown field ${describeValue(unknown)}: allowed are ${expected}`)
  let count = 0
  for (const name of PATCH_LISTS) {
    const list = value[name]
    if (list === undefined) continue
    if (!Array.isArray(list)) throw badRequest(`Expected \`${name}\` to be an array, got ${describeJson(list)}`)
    count += list.length
  }
  if (count === 0) throw badRequest(`Expected at least one task in ${expected}, got none`)
  if (duplicateKeys.length > 0) throw refuseDuplicates(toIssues(duplicateKeys))
  return value
}
