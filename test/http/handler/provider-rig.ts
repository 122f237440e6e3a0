import type { HandlerOptions } from 'dagstream/http'
import type { ToolProvider, ToolSource } from '../../../src/index.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { type HandlerRig, handlerRig } from './handler-rig.ts'

/** A provider whose answers the test holds in its hand. */
export class FakeProvider implements ToolProvider {
  readonly asked: unknown[] = []
  readonly tool: ControlledTool = new ControlledTool()
  source: ToolSource = [{ name: 'work', execute: this.tool.execute }]
  /** Set: what it is asked for is not answered before this is. */
  gate: Promise<unknown> | undefined
  failure: unknown

  toolsFor(workflow: unknown): Promise<ToolSource> {
    this.asked.push(workflow)
    return this.tools()
  }

  async tools(): Promise<ToolSource> {
    await this.gate
    if (this.failure !== undefined) throw this.failure
    return this.source
  }
}

/** A handler whose tools come from a provider. */
export function rig(options: Partial<HandlerOptions> = {}): HandlerRig & { readonly provider: FakeProvider } {
  const provider = new FakeProvider()
  return { ...handlerRig({ tools: provider, ...options }), provider, tool: provider.tool }
}

/** What is waited for until it is opened. */
export function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}
