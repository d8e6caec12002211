"""physiosynth completion SHELL."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_PHYSIOSYNTH_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """\b
    For bash, in ~/.bashrc:                     eval "$(physiosynth completion bash)"
    For zsh, in ~/.zshrc:                       eval "$(physiosynth completion zsh)"
    For fish, in ~/.config/fish/config.fish:    physiosynth completion fish | source
    """
    completion = get_completion_class(shell)
    assert completion is not None  # it is one of the choices
    print(completion(context.find_root().command, {}, "physiosynth", VARIABLE).source())
