import { type Signal, signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'dagstream-theme'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

/** A page from a file may have no storage. */
function readStored(): Theme {
  try {
    return THEMES.find(each => each === localStorage.getItem(KEY)) ?? 'auto'
  } catch {
    return 'auto'
  }
}

/** The chosen colours; `auto` follows the system. */
export const theme: Signal<Theme> = signal(readStored())

/** Applies the theme to the document, now and whenever it changes. */
export function applyTheme(): void {
  theme.subscribe(value => {
    if (value === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = value
  })
}

/** Chooses the next theme. */
export function cycleTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.peek()) + 1) % THEMES.length] as Theme
  try {
    localStorage.setItem(KEY, theme.peek())
  } catch {
    // It holds for this page alone.
  }
}
