/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { isTokenAsked } from './api/token.ts'
import type { ExecutionContext } from './execution/execution-context.ts'
import { ExecutionPanels, ExecutionView } from './execution/execution-view.tsx'
import { ExecutionsView } from './executions/executions-view.tsx'
import { NewView } from './new/new-view.tsx'
import { route } from './route.ts'
import { Header } from './shell/header.tsx'
import { Notices } from './shell/notices.tsx'
import { TokenPrompt } from './shell/token-prompt.tsx'

/** The whole page. @param offline the execution that the page holds itself, if it does */
export function App({ offline }: { readonly offline: ExecutionContext | undefined }): JSX.Element {
  return (
    <>
      <Header isOffline={offline !== undefined} />
      <Notices />
      {offline === undefined ? <Views /> : <ExecutionPanels context={offline} />}
    </>
  )
}

function Views(): JSX.Element {
  const { value: at } = route
  if (isTokenAsked.value) return <TokenPrompt />
  if (at.view === 'new') return <NewView />
  if (at.view === 'execution') return <ExecutionView key={at.executionId} executionId={at.executionId} />
  return <ExecutionsView />
}
