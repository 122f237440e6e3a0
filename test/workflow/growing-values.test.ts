import { expect, test } from 'vitest'
import { GrowingDocument } from '../../src/workflow/growing-document.ts'
import { MAX_ARGUMENT_VALUES } from '../../src/workflow/compile-template.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'

test('a task that leaves a growing document gives its values back, and a refused one takes none', () => {
  const document = new GrowingDocument({ tools: new ToolRegistry({ echo: () => null }) })
  const values = new Array<number>(MAX_ARGUMENT_VALUES / 2 + 10).fill(0)
  const check = (id: string): unknown => document.check({ id, tool: 'echo', arguments: { values } }, () => {})
  for (const id of ['a', 'b']) {
    const checked = check(id)
    if (typeof checked !== 'object' || checked === null || !('task' in checked)) throw new Error(`${id} was refused`)
    document.add(checked.task as Parameters<typeof document.add>[0])
    for (const other of ['c', 'd']) expect(check(other)).toMatchObject([{ code: 'LIMIT_EXCEEDED' }])
    document.remove(id)
  }
})
