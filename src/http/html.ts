/** How our few pages look: what the system has, in light and dark. */
export const PAGE_STYLE = `
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 12vh auto 0; padding: 0 1.5rem }
h1 { font-weight: 600; letter-spacing: -.02em; margin-bottom: 0 }
.version { opacity: .6; margin-top: 0 }
code { font: .95em ui-monospace, monospace; padding: .1em .35em; border-radius: .3em; background: #8882 }
label { display: block; margin: .8em 0 }
input { font: inherit; display: block; width: 100%; box-sizing: border-box; padding: .4em }
button { font: inherit; padding: .4em 1.2em; margin-top: 1em }
.complaint { color: light-dark(#b00020, #ff8a80) }
`;

/** A text as HTML that shows it, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A whole page. @param body HTML. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}
