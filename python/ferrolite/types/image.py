"""Generated images."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, many, now, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ImageObject(Model):
    """An image, as base64 text or by its address."""

    b64_json: str | None = None
    revised_prompt: str | None = None
    url: str | None = None
    provider_specific_fields: dict[str, Any] | None = None

    def __init__(
        self,
        b64_json: str | None = None,
        url: str | None = None,
        revised_prompt: str | None = None,
        provider_specific_fields: dict[str, Any] | None = None,
        **ignored: Any,
    ) -> None:
        values = self.__dict__
        values["b64_json"] = b64_json
        values["revised_prompt"] = revised_prompt
        values["url"] = url
        values["provider_specific_fields"] = provider_specific_fields

    def json(self, **ignored: Any) -> dict[str, Any]:
        """The same dict as `model_dump`."""
        return self.model_dump()


class ImageUsageInputTokensDetails(Model):
    """What the input's tokens were."""

    image_tokens: int
    text_tokens: int

    _required = ("image_tokens", "text_tokens")


class ImageUsage(Model):
    """Tokens of an image call."""

    input_tokens: int
    input_tokens_details: ImageUsageInputTokensDetails
    output_tokens: int
    total_tokens: int

    _required = ("input_tokens", "input_tokens_details", "output_tokens", "total_tokens")
    _nested = {"input_tokens_details": ImageUsageInputTokensDetails.model_validate}


class ImageResponse(Response):
    """The images of a call. `usage` counts zeros when the provider reports none."""

    created: int
    background: str | None = None
    data: list[ImageObject]
    output_format: str | None = None
    quality: str | None = None
    safety_identifier: str | None = None
    size: str | None = None
    svg_usage: Any = None
    usage: ImageUsage

    def __init__(
        self,
        created: int | None = None,
        data: list[Any] | None = None,
        response_ms: float | None = None,
        usage: ImageUsage | dict[str, Any] | None = None,
        hidden_params: dict[str, Any] | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["created"] = created or now()
        values["data"] = many(ImageObject)(data or [])
        values["usage"] = _no_usage() if usage is None else ImageUsage.model_validate(usage)
        for name in ("background", "output_format", "quality", "size"):
            values[name] = extras.get(name)
        put(values, _response_ms=response_ms, _hidden_params=hidden_params)


def _no_usage() -> ImageUsage:
    details = ImageUsageInputTokensDetails(image_tokens=0, text_tokens=0)
    return ImageUsage(input_tokens=0, input_tokens_details=details, output_tokens=0, total_tokens=0)
