"""Commands that a person types; their texts are beside them."""

from importlib import resources

from classair import i18n

i18n.add_texts(resources.files("alerts.commands.locales"))
