import { type Browser, chromium, type Page } from 'playwright-core'
import { findProgram } from './programs.ts'
import { type Reader, TYPES } from './readers.ts'
import { type ReadMessage, Reading } from './reading.ts'

const program = findProgram('chromium', 'chromium')

/** A browser without a window, whose profile is its own and gone with it. */
export const isBrowserMissing = program.isMissing

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: program.path, headless: true, args: ARGS })
}

/** A page of the server's own origin. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(new URL('/page', url).href)
  return page
}

/** The browser's own `EventSource`, in a page of the same origin. */
export function createBrowserReader(getBrowser: () => Browser): Reader {
  return {
    name: "Chromium's EventSource",
    isMissing: program.isMissing,
    async open(url) {
      const page = await openPage(getBrowser(), url)
      const reading = new Reading()
      reading.leave = () => page.close()
      await followInPage(page, url, reading)
      return reading
    },
  }
}

/** Opens an `EventSource` in the page; what it is given is told to `reading`. */
export async function followInPage(page: Page, url: string, reading: Reading): Promise<void> {
  await page.exposeFunction('tellMessage', (message: ReadMessage) => reading.add(message))
  await page.exposeFunction('tellLost', (isClosed: boolean) => {
    if (isClosed) reading.close()
    else reading.lostCount += 1
  })
  await page.evaluate(
    ({ url, types }) => {
      const { tellMessage, tellLost } = globalThis as unknown as Told
      const source = new EventSource(url)
      for (const type of types) {
        source.addEventListener(type, event => {
          const { data, lastEventId: id } = event as MessageEvent<string | undefined>
          if (data !== undefined) tellMessage({ id, type, data, at: Date.now() })
          else tellLost(source.readyState === EventSource.CLOSED)
        })
      }
    },
    { url, types: TYPES },
  )
}

interface Told {
  readonly tellMessage: (message: ReadMessage) => void
  readonly tellLost: (isClosed: boolean) => void
}
