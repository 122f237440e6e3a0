import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe finds, as the rule and the first element. */
export async function findFaults(page: Page): Promise<string[]> {
  // By the protocol, which the policy of the page does not concern.
  await page.evaluate(await readFile(axe, 'utf8'))
  return page.evaluate(async () => {
    const { axe: scanner } = globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }
    const { violations } = await scanner.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
  })
}

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string }[]
}
