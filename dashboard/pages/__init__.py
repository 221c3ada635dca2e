"""The working pages, a file each: PATH, ORDER, TITLE_KEY, layout(ctx, language, …), callbacks(app, ctx)."""
