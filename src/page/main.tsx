/** @jsxImportSource preact */
import { render } from 'preact'
import { App } from './app.tsx'
import { readOffline } from './model/offline.ts'
import { go, route } from './route.ts'
import { applyTheme } from './shell/theme.ts'

const offline = readOffline()
if (offline !== undefined && route.peek().view !== 'execution') {
  go({ view: 'execution', executionId: offline.model.executionId, tab: 'timeline' }, true)
}
applyTheme()
const root = document.getElementById('page') as HTMLElement
// What was there while the script loaded.
root.replaceChildren()
render(<App offline={offline} />, root)
